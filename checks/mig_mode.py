"""GPUs in MIG mode have instances, and no change of the mode is waiting.

Why: a GPU in MIG mode can be used only through its instances; without any, CUDA finds no device. A program sees one instance at a time, and a change of the mode takes
effect only after the GPU was reset.
Seen as: "No CUDA GPUs are available" while nvidia-smi lists the GPU, a GPU with a fraction of its memory.
Source: NVIDIA, Multi-Instance GPU user guide.
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Fix, Status, check, fail, info, ok, skip, warn
from torchdoctor.facts import GpuState
from torchdoctor.gpus import GIB, answering, plural
from torchdoctor.remedy import Rung

CREATE = Fix(
    "Create instances (nvidia-smi mig -lgip lists the profiles), or turn MIG off.",
    ("sudo nvidia-smi mig -cgi 9,9 -C", "sudo nvidia-smi -mig 0"),
    who="admin",
    risk="disruptive",
)


@check("TD711", group="driver", crash=Status.SKIP)
def mig_mode(gpus: Each[GpuState]) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.mig is not None]
    if not judged:
        yield skip("no GPU here knows MIG")
        return
    for gpu in judged:
        if gpu.mig != gpu.mig_pending:
            words = "on" if gpu.mig_pending else "off"
            seen = [("nvml", f"MIG mode now {gpu.mig}, pending {gpu.mig_pending}")]
            yield warn(
                f"MIG will be {words} after a reset of the GPU", seen, [remedy.fix(Rung.RESET_GPU, gpu=gpu.index)], subject=gpu.subject
            )
        if gpu.mig and not gpu.mig_instances:
            yield fail(
                "MIG is on and there is no instance: CUDA finds nothing here",
                [("nvml", "MIG on, 0 instances")],
                [CREATE],
                "mig-no-instance-visible",
                gpu.subject,
            )
        elif gpu.mig:
            seen = [("nvml", f"{one.uuid} {one.name} {(one.memory_total or 0) / GIB:.1f} GiB") for one in gpu.mig_instances]
            yield info(f"MIG is on, {plural(len(gpu.mig_instances), 'instance')}; a process uses one of them", seen, subject=gpu.subject)
    yield ok("MIG is off" if not any(gpu.mig for gpu in judged) else "MIG is set up")
