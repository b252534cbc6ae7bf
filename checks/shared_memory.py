"""/dev/shm is large enough for DataLoader workers and NCCL.

Why: DataLoader workers pass tensors through /dev/shm, and NCCL keeps buffers there for GPUs of one machine. Docker gives 64 MiB unless told
otherwise.
Seen as: "Bus error. This might be caused by insufficient shared memory (shm)", exit code -7, NCCL "unhandled system error".
Thresholds: 64 MiB and less is the known trap and a warning, as is less than 64 MiB free. Source: Docker's documentation of --shm-size.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, ok, skip, warn
from torchdoctor.facts import Host, Resources

MIB = 2**20
TOO_SMALL = 64 * MIB


@check("TD106", group="host")
def shared_memory(resources: Resources, host: Host) -> Findings:
    total, free = resources.shm_total, resources.shm_free
    if total is None or free is None:
        yield skip(f"{host.system} has no /dev/shm")
        return
    seen = [("/dev/shm", f"{free / MIB:.0f} of {total / MIB:.0f} MiB free")]
    if total <= TOO_SMALL:
        yield warn(
            f"/dev/shm has {total / MIB:.0f} MiB: DataLoader workers and NCCL will run out of it",
            seen,
            [
                Fix("Start the container with more shared memory.", ("docker run --shm-size=8g IMAGE",), risk="restart"),
                Fix("In Kubernetes mount an emptyDir with medium: Memory at /dev/shm.", risk="restart"),
                Fix("Until then use DataLoader(num_workers=0).", code="DataLoader(dataset, num_workers=0)"),
            ],
            cause="dataloader-shm",
        )
    elif free < TOO_SMALL:
        yield warn(
            f"/dev/shm is nearly full: {free / MIB:.0f} MiB left",
            seen,
            [Fix("Delete what ended programs left there, after looking at it.", ("ls -la /dev/shm",))],
            cause="dataloader-shm",
        )
    else:
        yield ok(f"/dev/shm has {free / MIB:.0f} MiB free", seen)
