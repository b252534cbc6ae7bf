"""Start worker processes: the command line, the pipes, and the request to fork a warm one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import IO, Any

from torchdoctor.limits import IMPORT_TIMEOUT

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Makes ``torchdoctor`` importable without making anything beside it importable: the patient's own packages must be the only ones
# it sees. The first entry of sys.path (the working directory under ``-c``) is put aside while our modules and theirs load.
_BOOTSTRAP = """
import sys
first = None if getattr(sys.flags, "safe_path", False) else sys.path.pop(0)
before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
import importlib.util
spec = importlib.util.spec_from_file_location("torchdoctor", {init!r}, submodule_search_locations=[{root!r}])
module = sys.modules["torchdoctor"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from torchdoctor.engine import worker
sys.dont_write_bytecode = before
worker.main({keep_first} and first, {socket_fd})
"""


@dataclass
class Pipes:
    """The parent's ends of a worker's pipes. ``socket`` is where forks are asked for, ``process`` is None for a forked worker."""

    request: IO[bytes]
    answer: IO[bytes]
    output: IO[bytes]
    process: subprocess.Popen[bytes] | None
    socket: socket.socket | None = None
    pid: int = 0

    def send(self, message: dict[str, Any]) -> bool:
        """Write one request; False where the worker no longer reads."""
        try:
            self.request.write((json.dumps(message) + "\n").encode())
            self.request.flush()
        except (OSError, ValueError):
            return False
        return True


def start(executable: str, own_path: bool, can_fork: bool) -> Pipes:
    """Start a worker under an interpreter.

    own_path: the worker's ``sys.path`` begins as the user's own program's would (the patient), instead of leaving out the
    working directory (the doctor's host lane).

    Raises OSError where the interpreter cannot be started.
    """
    from torchdoctor.engine import platforms

    ours = theirs = None
    if can_fork and sys.platform != "win32":
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    code = _BOOTSTRAP.format(
        init=os.path.join(ROOT, "__init__.py"), root=ROOT, keep_first=own_path, socket_fd=theirs.fileno() if theirs else None
    )
    process = platforms.start([executable, "-c", code], (theirs.fileno(),) if theirs else ())
    if theirs:
        theirs.close()
    assert process.stdin and process.stdout and process.stderr
    return Pipes(process.stdin, process.stdout, process.stderr, process, ours, process.pid)


OPENER = {
    "do": "run",
    "task": 0,
    "probe": "torch-import",
    "module": "torchdoctor.probes.torch_import",
    "file": os.path.join(ROOT, "probes", "torch_import.py"),
    "subject": None,
    "timeout": IMPORT_TIMEOUT,
}
"""The request that imports torch: all lanes that need torch wait for it, so it is sent before anything else is even loaded."""


def start_importing(executable: str) -> Pipes:
    """Start a worker of the patient that imports torch at once. Raises OSError where the interpreter cannot be started."""
    from torchdoctor.engine import platforms

    pipes = start(executable, True, platforms.forks_warm_workers(sys.platform))
    pipes.send(OPENER)
    return pipes


def ask_to_fork(warm: Pipes, worker: int) -> Pipes | None:
    """Ask a warm worker for a child with pipes of its own; its process id follows as a message. None where it cannot be asked."""
    if warm.socket is None or sys.platform == "win32":
        return None
    request_read, request_write = os.pipe()
    answer_read, answer_write = os.pipe()
    output_read, output_write = os.pipe()
    theirs = [request_read, answer_write, output_write]
    try:
        if not warm.send({"do": "fork", "worker": worker}):
            raise OSError("the warm worker is gone")
        socket.send_fds(warm.socket, [b"f"], theirs)
    except OSError:
        for fd in (request_write, answer_read, output_read):
            os.close(fd)
        return None
    finally:
        for fd in theirs:
            os.close(fd)
    return Pipes(os.fdopen(request_write, "wb", 0), os.fdopen(answer_read, "rb", 0), os.fdopen(output_read, "rb", 0), None)
