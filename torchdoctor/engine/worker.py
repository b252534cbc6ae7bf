"""The child process that runs probes: standard library only, any Python from 3.9 on.

It is started by the bootstrap of ``launch.py`` in the patient's interpreter (or the doctor's, for the host lane) and talks
JSON lines over what were its standard input and output. Those are moved to private descriptors first, and
descriptors 0 and 1 are pointed elsewhere, so that nothing a probe prints can be taken for an answer.

A worker does one thing at a time. On Linux a warm worker also forks on request: the parent sends the ends of
two new pipes over a socket, and the child is then a worker of its own, with torch already imported.
"""

from __future__ import annotations

import faulthandler
import importlib
import importlib.util
import json
import os
import signal
import sys
import time
import traceback
import warnings
from typing import Any

from torchdoctor.codec import to_json

TRACEBACK_LIMIT = 20_000  # characters of a probe's traceback that are passed on


class Channel:
    """JSON lines in and out on private descriptors, and the descriptor that takes what probes print.

    faulthandler's stacks go out between the answers: the parent tells them apart, because they are no JSON, and they cannot
    drown in what a probe prints.
    """

    def __init__(self, read_fd: int, write_fd: int, output_fd: int) -> None:
        self.reader = os.fdopen(read_fd, "rb")
        self.write_fd = write_fd
        self.output_fd = output_fd

    def receive(self) -> Any:
        """The next message, or None when the parent has closed its end."""
        line = self.reader.readline()
        return json.loads(line) if line else None

    def send(self, message: dict[str, Any]) -> None:
        """Write one message whole."""
        data = (json.dumps(message) + "\n").encode()
        while data:
            data = data[os.write(self.write_fd, data) :]


def _private(fd: int) -> int:
    """A duplicate of a descriptor, out of the low numbers that programs close or reuse."""
    copy = os.dup(fd)
    if sys.platform == "win32":
        return copy
    import fcntl

    high = fcntl.fcntl(copy, fcntl.F_DUPFD_CLOEXEC, 50)
    os.close(copy)
    return high


def _take_streams() -> Channel:
    """Move the protocol off the standard descriptors, and keep a private duplicate of standard error."""
    channel = Channel(_private(0), _private(1), _private(2))
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    return channel


def _restore_standard_streams(output_fd: int) -> None:
    """Descriptor 0 reads nothing, 1 and 2 go to the captured output, whatever an earlier probe did to them."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output_fd, 1)
    os.dup2(output_fd, 2)
    if nothing > 2:
        os.close(nothing)


def _load(module: str, file: str) -> Any:
    """Import a probe's module: our own by name, a plug-in's by its file. Our folders get no byte code written."""
    if module in sys.modules:
        return sys.modules[module]
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        if module.startswith("torchdoctor.probes."):
            return importlib.import_module(module)
        spec = importlib.util.spec_from_file_location(module, file)
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot load {file}")
        loaded = importlib.util.module_from_spec(spec)
        sys.modules[module] = loaded
        spec.loader.exec_module(loaded)
        return loaded
    finally:
        sys.dont_write_bytecode = before


def _run(task: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Run one probe and describe what happened."""
    _restore_standard_streams(channel.output_fd)
    started = time.perf_counter()
    # Written by a thread of its own that needs no GIL, so that a hang inside C still says where it hangs.
    faulthandler.dump_traceback_later(task["timeout"], exit=False, file=channel.write_fd)
    try:
        module = _load(task["module"], task["file"])
        found = next(p for p in vars(module).values() if getattr(p, "name", None) == task["probe"] and hasattr(p, "lane"))
        arguments = () if task["subject"] is None else (task["subject"],)
        answer = {"state": "ok", "fact": to_json(found.function(*arguments, **task.get("options", {})))}
    except KeyboardInterrupt:
        raise
    except BaseException:  # a probe that calls sys.exit() is a finding about that probe, not the end of the run
        answer = {"state": "failed", "traceback": traceback.format_exc()[-TRACEBACK_LIMIT:]}
    finally:
        faulthandler.cancel_dump_traceback_later()
    answer["seconds"] = time.perf_counter() - started
    return answer


def _fork_is_safe() -> bool:
    """A fork of this process can use every device: nothing has been started that a child would inherit broken."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "_C") or not sys.platform.startswith("linux") or not hasattr(os, "fork"):
        return False
    name = getattr(torch._C, "_get_privateuse1_backend_name", lambda: "privateuseone")()
    if name != "privateuseone":  # an autoloaded backend may hold threads or a device already
        return False
    return not any(bool(getattr(getattr(torch, backend, None), "is_initialized", lambda: False)()) for backend in ("cuda", "xpu"))


def _fork(socket_fd: int) -> int:
    """Fork a warm child that serves the pipes which the parent sends over the socket; returns its process id."""
    if sys.platform == "win32":
        raise OSError("there is no fork on Windows")
    import socket

    with socket.socket(fileno=os.dup(socket_fd)) as passing:
        _, fds, _, _ = socket.recv_fds(passing, 1, 3)
    request, answer, output = fds
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # numpy's BLAS threads; they survive a fork unharmed
        pid = os.fork()
    if pid:
        for fd in fds:
            os.close(fd)
        return pid
    try:
        os.setsid()
        faulthandler.enable(answer)
        _die_with_parent()
        _serve(Channel(request, answer, output), None)
    finally:
        os._exit(0)


def _die_with_parent() -> None:
    """Linux: when whoever started this process is gone, so is it. Elsewhere the end of the request pipe does it."""
    if sys.platform.startswith("linux"):
        try:
            import ctypes

            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        except (OSError, AttributeError, ImportError):
            return


def _be_first_to_die() -> None:
    """Out of memory, the kernel shall take a worker and not the doctor or the user's other programs."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        return


def _serve(channel: Channel, socket_fd: int | None) -> None:
    """Answer requests until the parent closes its end."""
    while True:
        message = channel.receive()
        if message is None or message["do"] == "end":
            return
        if message["do"] == "fork":
            pid = _fork(socket_fd) if socket_fd is not None else -1
            channel.send({"type": "forked", "worker": message["worker"], "pid": pid})
        elif message["do"] == "reap":
            channel.send({"type": "reaped", "pid": message["pid"], "status": _reap(message["pid"])})
        else:
            answer = _run(message, channel)
            channel.send({"type": "answer", "task": message["task"], "fork": _fork_is_safe(), **answer})


def _reap(pid: int) -> int | None:
    """The exit status of a forked child that is known to be ending: negative for a signal, None where it is unknown."""
    if sys.platform == "win32":
        return None
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        try:
            done, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return None
        if done:
            return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        time.sleep(0.002)
    return None


def main(first_path: str | None, socket_fd: int | None) -> None:
    """Serve the parent. ``first_path`` goes back in front of ``sys.path``, as the user's own program would have it."""
    channel = _take_streams()
    faulthandler.enable(channel.write_fd)
    _die_with_parent()
    _be_first_to_die()
    if first_path is not None:
        sys.path.insert(0, first_path)
    channel.send({"type": "hello", "python": ".".join(map(str, sys.version_info[:3])), "executable": sys.executable})
    _serve(channel, socket_fd)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # torch's own tear-down costs a tenth of a second and has nothing to tell
