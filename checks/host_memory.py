"""There is memory left on the host, within what the container may use.

Why: weights are read into host memory before they reach a GPU, and every DataLoader worker needs its share. When the limit of a control
group is passed, the kernel kills the process without a message in Python.
Seen as: "Killed", exit code -9 or 137, "DataLoader worker (pid 123) is killed by signal: Killed".
Thresholds: less than 2 GiB left is a warning; less than 512 MiB fails, because importing torch and one step already need about that.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, fail, ok, warn
from torchdoctor.facts import Resources

GIB = 2**30
WARN_BELOW, FAIL_BELOW = 2 * GIB, GIB // 2


@check("TD104", group="host")
def host_memory(resources: Resources) -> Findings:
    left, limit = resources.memory_available, resources.memory_limit
    seen = [("psutil", f"{left / GIB:.1f} of {resources.memory_total / GIB:.1f} GiB available")]
    if limit is not None:
        # What the group's page cache holds counts as used although it can be given up, so this is the cautious figure.
        left = min(left, max(0, limit - (resources.memory_used or 0)))
        seen.append(("cgroup memory.max", f"{limit / GIB:.1f} GiB, {(resources.memory_used or 0) / GIB:.1f} GiB in use"))
    fixes = [Fix("End what else runs here, or ask for more memory (docker run --memory, Slurm --mem, Kubernetes resources.limits.memory).")]
    if left < FAIL_BELOW:
        yield fail(f"only {left / 2**20:.0f} MiB of host memory are left", seen, fixes, cause="host-oom-killed")
    elif left < WARN_BELOW:
        yield warn(f"only {left / GIB:.1f} GiB of host memory are left", seen, fixes, cause="host-oom-killed")
    else:
        yield ok(f"{left / GIB:.1f} GiB of host memory free", seen)
