"""Enough processes and threads may be started.

Why: every DataLoader worker, every rank and every OpenMP thread counts against the limit of the user and of the control group.
Seen as: "BlockingIOError: [Errno 11] Resource temporarily unavailable", "can't start new thread", "libgomp: Thread creation failed".
Threshold: fewer than 256 left, or fewer than eight for each CPU, is a warning.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, ok, skip, warn
from torchdoctor.facts import Host, Limits, Resources


@check("TD109", group="host")
def process_limit(limits: Limits, resources: Resources, host: Host) -> Findings:
    left = None if limits.pids_limit is None else limits.pids_limit - (limits.pids_used or 0)
    if limits.processes is not None and limits.processes >= 0 and not host.root:  # root is not held to RLIMIT_NPROC
        left = limits.processes if left is None else min(left, limits.processes)
    if left is None:
        yield skip("no limit of processes was found")
    elif left < min(256, 8 * resources.usable_cpus):
        yield warn(
            f"only {left} more processes and threads may be started",
            [("cgroup pids.max", f"{limits.pids_used} of {limits.pids_limit}"), ("RLIMIT_NPROC", str(limits.processes))],
            [Fix("Raise the limit of the container or of the user.", ("docker run --pids-limit=-1 IMAGE",), who="admin", risk="restart")],
        )
    else:
        yield ok(f"{left} more processes may be started")
