"""Whether others use a GPU: measuring it would disturb them, and their work would spoil the measurement."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any, Callable, Optional

import torch

from torchdoctor.work.timing import kind_of, memory_of, module_of

SMALL = 15 * 2**20  # bytes that a process may hold without counting (the limit that Meta's gcm uses)
HIGH = 50  # per cent of utilisation
SETTLE = 3.0  # seconds to wait for the end of work that this process has done before
POLL = 0.25
HELD_SHARE, HELD = 0.10, 3 * 2**30  # of the memory, and bytes, that others must hold where their processes cannot be seen
ADVICE = "(--busy-ok runs it all the same)"


def parent_of(pid: int) -> Optional[int]:
    """The process that started another, where /proc tells."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None


def is_ours(pid: int, parent: int, look: Callable[[int], Optional[int]] = parent_of) -> bool:
    """Whether a process is this one, or was started by the one that started this one (another lane, a rank of it)."""
    for _ in range(16):
        if pid in (os.getpid(), parent):
            return True
        above = look(pid)
        if above is None or above <= 1:
            return False
        pid = above
    return False


def why_busy(device: str, nvml: Any, handle: Any, hidden: bool, sleep: Callable[[float], None] = time.sleep) -> str:
    """In words why a device is not free to be measured; empty where it is, and for the CPU.

    ``hidden``: process ids mean nothing here, as in a container that has its own; then load and memory decide.
    """
    if kind_of(device) == "cpu":
        return ""
    if nvml is not None and handle is not None:
        others = [] if hidden else [pid for pid in computing(nvml, handle) if not is_ours(pid, os.getppid())]
        if others:
            return f"the GPU is in use by {len(others)} process{'es' if len(others) > 1 else ''} {ADVICE}"
        load = settled_utilization(nvml, handle, sleep)
        if load >= HIGH:
            return f"the GPU is {load} % busy with the work of others {ADVICE}"
    return _held_by_others(device)


def computing(nvml: Any, handle: Any) -> list[int]:
    """Processes that compute on a GPU and hold memory of it; a display's do not count."""
    drawing = {process.pid for process in _listed(nvml, handle, "Graphics")}
    found = []
    for process in _listed(nvml, handle, "Compute"):
        memory = getattr(process, "usedGpuMemory", None)
        if process.pid not in drawing and (memory is None or memory > SMALL):
            found.append(int(process.pid))
    return found


def _listed(nvml: Any, handle: Any, kind: str) -> list[Any]:
    for suffix in ("", "_v2"):
        try:
            return list(getattr(nvml, f"nvmlDeviceGet{kind}RunningProcesses{suffix}")(handle))
        except (AttributeError, nvml.NVMLError):
            continue
    return []


def settled_utilization(nvml: Any, handle: Any, sleep: Callable[[float], None] = time.sleep) -> int:
    """Per cent, after the driver's average has forgotten what this process did before."""
    load = 0
    for _ in range(int(SETTLE / POLL)):
        try:
            load = int(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
        except (AttributeError, nvml.NVMLError):
            return 0
        if load < HIGH:
            break
        sleep(POLL)
    return load


def _held_by_others(device: str) -> str:
    """Where processes are hidden (containers, no NVML): memory that is neither free nor this process's."""
    if kind_of(device) not in ("cuda", "xpu"):
        return ""
    free, total = memory_of(device)
    if free is None or not total:
        return ""
    mine = 0
    with contextlib.suppress(Exception):
        mine = int(module_of(device).memory_reserved(torch.device(device)))
    held = total - free - mine
    if held > HELD and held > HELD_SHARE * total:
        return f"others hold {held / 2**30:.1f} GiB of the GPU's memory {ADVICE}"
    return ""
