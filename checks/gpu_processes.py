"""No dead process and nobody else holds the memory of a GPU.

Why: memory that another process holds is missing for training, and a process that has ended should hold none: where it does, the driver has not let go of it.
Seen as: "CUDA out of memory" at the start although the program is small, memory in use with no process listed.
Thresholds: 10 % of the memory held by other processes (own choice) is a warning; 15 MiB without any process (gcm) is worth saying.
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Fix, Status, check, fail, info, ok, skip, warn
from torchdoctor.facts import GpuState, Thresholds
from torchdoctor.gpus import GIB, MIB, answering, plural
from torchdoctor.remedy import Rung


@check("TD813", group="health", crash=Status.SKIP)
def gpu_processes(gpus: Each[GpuState], thresholds: Thresholds) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.memory_total]
    if not judged:
        yield skip("no GPU here tells its memory")
        return
    for gpu in judged:
        yield from _judge(gpu, thresholds)
    yield ok(f"the memory of {plural(len(judged), 'GPU')} is free")


def _judge(gpu: GpuState, thresholds: Thresholds) -> Findings:
    total = gpu.memory_total or 1
    working = [process for process in gpu.processes if process.kind != "graphics" and process.name != "nvidia-cuda-mps"]
    held = sum(process.memory or 0 for process in working)
    seen = [
        (
            "nvml",
            f"process {p.pid} {p.name or ''} holds {(p.memory or 0) / GIB:.1f} GiB".replace("  ", " ")
            + ("" if p.mine is not False else ", another user's"),
        )
        for p in working
    ]
    dead = [process for process in working if process.alive is False]
    if dead:
        end = remedy.fix(
            Rung.RESET_GPU, " after the work of others on it has ended: the driver has not let go of the memory.", gpu=gpu.index
        )
        yield fail(
            f"{plural(len(dead), 'process')} that ended still hold{'s' if len(dead) == 1 else ''} memory".replace("processs", "processes"),
            seen,
            [end],
            "gpu-memory-full-at-init",
            gpu.subject,
        )
    elif held >= thresholds.general("memory-held-share") * total:
        look = Fix(
            "Wait for them, end them if they are yours, or use another GPU.", ("nvidia-smi", "CUDA_VISIBLE_DEVICES=OTHER python train.py")
        )
        yield warn(f"other processes hold {held / GIB:.1f} of {total / GIB:.0f} GiB", seen, [look], "cuda-oom-other-process", gpu.subject)
    elif working:
        yield info(f"{len(working)} other process{'es' if len(working) > 1 else ''} on this GPU", seen, subject=gpu.subject)
    elif (
        not gpu.processes
        and gpu.memory_reserved is not None
        and not gpu.mig
        and (gpu.memory_used or 0) > thresholds.general("memory-held") * MIB
    ):
        used = (gpu.memory_used or 0) / MIB
        title = f"{used:.0f} MiB in use and no process to be seen"
        look = Fix(
            "Look for it from the machine itself: processes of other containers are not seen here.",
            ("sudo fuser -v /dev/nvidia*",),
            who="admin",
        )
        say = warn if used * MIB >= thresholds.general("memory-held-share") * total else info
        yield say(title, [("nvml", f"{used:.0f} MiB used")], [look], "cuda-oom-other-process" if say is warn else None, gpu.subject)
