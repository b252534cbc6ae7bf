"""The compute mode lets several processes use a GPU.

Why: in mode "exclusive process" a GPU takes one CUDA process and refuses the next, the doctor's own included; in mode "prohibited" it takes none.
Seen as: "all CUDA-capable devices are busy or unavailable", CUDA error 46.
Source: NVIDIA/DCGM, context creation; compute modes of NVML.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Fix, Status, check, fail, info, ok, skip, warn
from torchdoctor.facts import GpuState, NvidiaFiles
from torchdoctor.gpus import answering


@check("TD710", group="driver", crash=Status.SKIP)
def compute_mode(gpus: Each[GpuState], files: NvidiaFiles) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.compute_mode]
    if not judged:
        yield skip("no GPU here tells its compute mode")
        return
    for gpu in judged:
        seen = [("nvml", f"compute mode {gpu.compute_mode}")]
        fix = Fix("Set the default mode.", ("sudo nvidia-smi -c DEFAULT",), who="admin")
        if gpu.compute_mode == "prohibited":
            yield fail("the compute mode forbids CUDA on this GPU", seen, [fix], "exclusive-compute-mode", gpu.subject)
        elif gpu.compute_mode != "default" and files.mps_control:
            yield info("exclusive mode together with the Multi-Process Service, as that service wants it", seen, subject=gpu.subject)
        elif gpu.compute_mode != "default":
            others = [process for process in gpu.processes if process.kind == "compute" and process.alive is not False]
            say = fail if others else warn
            taken = f", and process {others[0].pid} has it" if others else ""
            yield say(f"the GPU takes one process at a time (exclusive mode){taken}", seen, [fix], "exclusive-compute-mode", gpu.subject)
    yield ok("all GPUs take several processes")
