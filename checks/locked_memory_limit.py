"""Where there is InfiniBand or RoCE, memory may be locked without limit.

Why: RDMA pins the memory that it transfers. NCCL's registration fails when the limit of locked memory is small.
Seen as: "Call to ibv_reg_mr failed", "ibv_create_cq failed with error Cannot allocate memory", "Cannot allocate memory" in NCCL's init.
Source: NCCL's troubleshooting page asks for unlimited memlock.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, ok, skip, warn
from torchdoctor.facts import Host, Limits

ENOUGH = 2**30


@check("TD108", group="host")
def locked_memory_limit(limits: Limits, host: Host) -> Findings:
    if not host.infiniband or limits.locked_memory is None:
        yield skip("no RDMA device here that would need locked memory")
    elif 0 <= limits.locked_memory < ENOUGH:
        yield warn(
            f"only {limits.locked_memory / 2**10:.0f} KiB of memory may be locked, and there is RDMA hardware",
            [("RLIMIT_MEMLOCK", str(limits.locked_memory)), ("/sys/class/infiniband", ", ".join(host.infiniband))],
            [
                Fix("Start the container with unlimited locked memory.", ("docker run --ulimit memlock=-1 IMAGE",), risk="restart"),
                Fix(
                    "Set memlock to unlimited in /etc/security/limits.conf, or LimitMEMLOCK=infinity for the job daemon.",
                    who="admin",
                    risk="restart",
                ),
            ],
            cause="nccl-ib-memlock",
        )
    else:
        yield ok("enough memory may be locked for RDMA")
