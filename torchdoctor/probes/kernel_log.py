"""The kernel log since boot, as far as this user may read it: what the GPU drivers wrote there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Optional

from torchdoctor.declare import probe
from torchdoctor.facts import KernelLine, KernelLog

OF_INTEREST = re.compile(
    r"NVRM|nvidia|NVLink|nouveau|SXid|amdgpu|\[drm\].{0,40}(?:GPU|ring)|xe 0000|i915.{0,60}(?:hang|reset)|AER: .{0,40}error|Bus Error",
    re.IGNORECASE,
)
CHATTER = re.compile(r"nvidia-(?:nvlink|modeset): (?:Loading|Nvlink Core)|audit|apparmor|input: HDA NVidia", re.IGNORECASE)
KEEP = 150  # lines at each end: the first event tells what began, the last what is now
MAX_LINE = 600
JOURNAL_SECONDS = 6


def keep(lines: Iterable[KernelLine]) -> tuple[tuple[KernelLine, ...], int]:
    """The lines of interest, without the middle of very many, and how many were left out."""
    found = [line for line in lines if OF_INTEREST.search(line.text) and not CHATTER.search(line.text)]
    if len(found) <= 2 * KEEP:
        return tuple(found), 0
    return (*found[:KEEP], *found[-KEEP:]), len(found) - 2 * KEEP


def kmsg_line(record: str, uptime: Optional[float]) -> KernelLine:
    """A record of /dev/kmsg, "priority,sequence,microseconds,flags;text" and continuation lines."""
    head, _, text = record.partition(";")
    parts = head.split(",")
    since_boot = int(parts[2]) / 1e6 if len(parts) > 2 and parts[2].isdigit() else None
    age = max(0.0, uptime - since_boot) if uptime is not None and since_boot is not None else None
    return KernelLine(text.split("\n", 1)[0][:MAX_LINE], age)


def journal_line(line: str, now: float) -> KernelLine:
    """A line of ``journalctl -k -o short-unix``: seconds since 1970, host, "kernel:", text."""
    stamp, _, rest = line.partition(" ")
    text = rest.partition(" kernel: ")[2] or rest
    try:
        return KernelLine(text[:MAX_LINE], max(0.0, now - float(stamp)))
    except ValueError:
        return KernelLine(line[:MAX_LINE])


def _uptime() -> Optional[float]:
    try:
        with open("/proc/uptime") as file:
            return float(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def read_kmsg(path: str = "/dev/kmsg") -> list[KernelLine]:
    """All records in the kernel's ring buffer. Raises OSError where that is forbidden."""
    if sys.platform == "win32":
        raise OSError("Windows has no kernel ring buffer to read")
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    uptime = _uptime()
    found = []
    try:
        while True:
            try:
                record = os.read(descriptor, 8192)
            except BlockingIOError:
                break  # the end of what was written so far
            except BrokenPipeError:
                continue  # a record was overwritten while it was read
            if not record:
                break
            found.append(kmsg_line(record.decode(errors="replace"), uptime))
    finally:
        os.close(descriptor)
    return found


def read_journal(command: str = "journalctl") -> list[KernelLine]:
    """The kernel's messages of this boot from the journal. Raises OSError or TimeoutExpired where that does not work."""
    arguments = [command, "-k", "-b", "-o", "short-unix", "--no-pager", "-q"]
    done = subprocess.run(arguments, capture_output=True, timeout=JOURNAL_SECONDS, stdin=subprocess.DEVNULL)
    text = done.stdout.decode(errors="replace")
    if done.returncode or not text.strip():
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(said[-1] if said else "it shows nothing to this user")
    now = time.time()
    return [journal_line(line, now) for line in text.splitlines()]


def kernel_log(kmsg: str = "/dev/kmsg", journal: str = "journalctl") -> KernelLog:
    """The lines of interest from the first source that may be read."""
    refused = []
    for source, read in ((kmsg, read_kmsg), (journal, read_journal)):
        try:
            lines, dropped = keep(read(source))
            return KernelLog(source, None, lines, dropped)
        except FileNotFoundError:
            refused.append(f"{source} does not exist")
        except (OSError, subprocess.SubprocessError) as error:
            refused.append(f"{source}: {getattr(error, 'strerror', None) or error}")
    return KernelLog(why_not="; ".join(refused))


@probe(lane="host", timeout=10)
def read_kernel_log() -> KernelLog:
    """What the kernel wrote about GPUs since boot (Linux)."""
    if not sys.platform.startswith("linux"):
        return KernelLog(why_not="there is no Linux kernel log on this system")
    return kernel_log()
