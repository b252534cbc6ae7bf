"""torch.distributed is there, and which backends it has.

Why: NCCL exists for NVIDIA and AMD GPUs on Linux only. macOS, Windows and CPU-only builds have gloo, so a program that asks for "nccl"
there has to ask for "gloo".
Seen as: "Distributed package doesn't have NCCL built in", "module 'torch.distributed' has no attribute 'init_process_group'".
"""

from __future__ import annotations

from typing import Optional

from torchdoctor.api import Findings, Fix, check, fail, ok, warn
from torchdoctor.facts import Devices, DistributedBuild, Host, TorchBuild

GLOO = Fix("Use the gloo backend here.", code='torch.distributed.init_process_group("gloo")')


@check("TD501", group="distributed")
def distributed_build(built: DistributedBuild, build: TorchBuild, host: Host, devices: Optional[Devices]) -> Findings:
    names = ", ".join(built.backends()) or "no backend"
    seen = [("torch.distributed", f"available={built.available}, {names}")]
    gpus = len([d for d in devices.accelerators() if d.kind == "cuda"]) if devices else 0
    if not built.available:
        fix = Fix("Install an official build: those for Linux, macOS and Windows contain it. A build from source needs USE_DISTRIBUTED=1.")
        yield warn("this torch was built without torch.distributed", seen, [fix], cause="distributed-not-available")
    elif not built.backends():
        yield warn("torch.distributed has no backend: no process group can be made", seen, [], cause="distributed-not-available")
    elif gpus > 1 and built.nccl is False and host.system == "linux":
        fix = Fix("Install the CUDA wheel from PyPI or from download.pytorch.org: both contain NCCL.")
        yield fail(f"{gpus} GPUs, and this torch was built without NCCL", seen, [fix, GLOO], cause="nccl-not-built")
    elif not built.nccl:
        yield ok(f'{names}; no NCCL on {host.system} with this build, so init_process_group("nccl") would fail', seen)
    else:
        yield ok(names, seen)
