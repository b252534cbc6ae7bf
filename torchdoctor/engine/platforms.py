"""Everything in which operating systems differ when workers are started and ended; the one place for it.

The functions take the platform (``sys.platform``) as an argument where they decide something, so that the decisions of
every platform are tested on any.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable


def forks_warm_workers(platform: str) -> bool:
    """Whether a process with torch imported may be forked: macOS frameworks and Windows do not allow it."""
    return platform.startswith("linux")


def popen_options(platform: str) -> dict[str, object]:
    """A group (or session) of its own for a worker, so that its children can be found and Ctrl-C does not reach it."""
    if platform == "win32":
        return {"creationflags": 0x00000200}  # CREATE_NEW_PROCESS_GROUP
    return {"start_new_session": True}


def adopt_orphans(platform: str) -> None:
    """Linux: processes that a probe leaves behind become children of this process, where they are found and ended."""
    if platform.startswith("linux"):
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER


def kill_tree(pid: int) -> None:
    """End a process, its group and all of its descendants. Silent where they are gone already."""
    import psutil

    found: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        found = [process, *process.children(recursive=True)]
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            if os.getpgid(pid) == pid:  # never our own group
                os.killpg(pid, signal.SIGKILL)
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.kill()


def end_leftovers(known: Iterable[int], workers: Iterable[int]) -> list[str]:
    """Kill what is still running below this process besides ``known``; names what was killed, our own ``workers`` left out.

    One look at the process table for all: it costs some milliseconds.
    """
    import psutil

    ended = []
    spared, ours = set(known), set(workers)
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.pid in spared or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.pid not in ours:
                ended.append(process.name())
            process.kill()
    return ended


def ask_for_stack(pid: int, platform: str) -> bool:
    """Make faulthandler write the stacks of a worker that gave none, by the signal that it catches. False where there is none."""
    if platform == "win32":
        return False
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGABRT)
        return True
    return False


def is_unkillable(pid: int) -> bool:
    """Whether a process sits in uninterruptible sleep (state D), where even SIGKILL waits for the driver."""
    import psutil

    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_DISK_SLEEP)
    except psutil.Error:
        return False


def describe_exit(status: int | None) -> str:
    """An exit status in words: "SIGSEGV", "exit code 7", or "an unknown reason"."""
    if status is None:
        return "an unknown reason"
    if status < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-status).name
        return f"signal {-status}"
    if status >= 0xC0000000:  # Windows: an NTSTATUS
        return f"exception 0x{status:08X}"
    return f"exit code {status}"


def resident_bytes(pids: Iterable[int]) -> int:
    """The resident memory of these processes together."""
    import psutil

    total = 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            total += psutil.Process(pid).memory_info().rss
    return total


def children() -> set[int]:
    """The process ids of this process's children."""
    import psutil

    return {p.pid for p in psutil.Process().children()}


def available_memory() -> int:
    """Bytes of memory that can be used without swapping."""
    import psutil

    return int(psutil.virtual_memory().available)


def start(command: list[str], pass_fds: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
    """Start a worker with pipes on all three standard streams, in the caller's environment and working directory.

    Raises OSError where the interpreter cannot be started.
    """
    options = popen_options(sys.platform)
    if pass_fds:
        options["pass_fds"] = pass_fds
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, **options
    )
