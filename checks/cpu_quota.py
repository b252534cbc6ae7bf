"""PyTorch starts as many threads as there are CPUs, not as many as the container may use.

Why: with a quota of 4 CPUs on a 64-core node, 64 threads share the time of 4: they are throttled together, and every operator on the
CPU, data loading included, becomes many times slower.
Seen as: a CPU at its quota, slow DataLoader workers, nothing wrong on the GPU.
"""

from __future__ import annotations

import math

from torchdoctor.api import Findings, Fix, check, ok, warn
from torchdoctor.facts import Resources


@check("TD103", group="host")
def cpu_quota(resources: Resources) -> Findings:
    cpus, quota = resources.usable_cpus, resources.cpu_quota
    set_already = (resources.omp_num_threads or "").split(",")[0].isdigit()
    if quota is not None and quota < cpus / 2 and not set_already:
        threads = max(1, math.floor(quota))
        yield warn(
            f"the control group allows {quota:g} CPUs, but PyTorch will start {cpus} threads",
            [("cgroup cpu.max", f"{quota:g} CPUs"), ("affinity", f"{cpus} CPUs")],
            [Fix("Limit the threads to the quota.", (f"export OMP_NUM_THREADS={threads}",))],
        )
    limited = f" of {resources.cpus}" if cpus < resources.cpus else ""
    yield ok(f"{cpus}{limited} CPUs" + (f", quota {quota:g}" if quota else ""))
