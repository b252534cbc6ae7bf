"""The driver stays loaded between programs (persistence mode).

Why: without it the driver lets go of a GPU whenever the last program ends, and starts it anew for the next: seconds for each program on a server, and settings such as
power limits are lost. On desks and laptops that is the normal state.
Seen as: the first CUDA call takes many seconds on a machine with several GPUs.
Source: NVIDIA/DCGM (error 29, configuration), gpud, Azure and sichek ask for it on servers.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Fix, Status, check, info, ok, skip, warn
from torchdoctor.facts import GpuState, NvidiaFiles
from torchdoctor.gpus import answering

TURN_ON = Fix(
    "Start NVIDIA's persistence daemon, or set the mode.",
    ("sudo systemctl enable --now nvidia-persistenced", "sudo nvidia-smi -pm 1"),
    who="admin",
)


@check("TD709", group="driver", crash=Status.SKIP)
def persistence_mode(gpus: Each[GpuState], files: NvidiaFiles) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.persistence is not None and gpu.datacentre]
    if not judged:
        yield skip("matters on servers only, and no server GPU tells its mode here")
        return
    off = [gpu for gpu in judged if not gpu.persistence and not files.persistence_daemon]
    for gpu in off:
        say = warn if len(judged) > 1 else info
        yield say(
            "persistence mode is off: each program waits for the driver to start",
            [("nvml", "persistence mode off")],
            [TURN_ON],
            subject=gpu.subject,
        )
    if not off:
        yield ok("the driver stays loaded")
