"""The NVIDIA driver is new enough for the CUDA that torch was built with.

Why: the wheel brings its own CUDA runtime, the driver comes from the host. Since CUDA 11 only the major version has to fit: a CUDA 12.8
build runs on a driver that reports 12.2, with the exception of code that is compiled at run time from PTX. Server GPUs may also take a newer CUDA
from NVIDIA's cuda-compat package; where it is in use, the driver reports that CUDA.
Seen as: "The NVIDIA driver on your system is too old (found version 11040)", CUDA error 35.
Source: NVIDIA, CUDA compatibility: minor version compatibility, forward compatibility (server GPUs on Linux only).
"""

from __future__ import annotations

from typing import Optional

from torchdoctor.api import Each, Findings, Fix, check, fail, ok, skip
from torchdoctor.facts import GpuState, NvidiaDriver, PythonEnv, TorchBuild
from torchdoctor.wheels import for_driver


def _major(version: str) -> int:
    return int(version.split(".")[0])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _forward(gpus: Optional[Each[GpuState]], cuda: str) -> list[Fix]:
    """The way for server GPUs whose driver cannot be changed."""
    if not gpus or not all(gpu.datacentre for gpu in gpus.values()):
        return []
    text = f"Or keep the driver: server GPUs like these run CUDA {_major(cuda)} with NVIDIA's cuda-compat package first in LD_LIBRARY_PATH."
    return [Fix(text, who="admin")]


@check("TD304", group="device")
def driver_for_build(build: TorchBuild, driver: NvidiaDriver, python: Optional[PythonEnv], gpus: Optional[Each[GpuState]]) -> Findings:
    if build.build != "cuda" or not build.cuda or not driver.cuda:
        yield skip("no CUDA build together with an NVIDIA driver here")
        return
    seen = [("torch.version.cuda", build.cuda), ("nvml", f"driver {driver.version} supports CUDA {driver.cuda}")]
    if _major(driver.cuda) < _major(build.cuda):
        yield fail(
            f"driver {driver.version} supports CUDA {driver.cuda}, torch {build.version} needs CUDA {_major(build.cuda)}",
            seen,
            [
                for_driver(python.installer if python else "pip", driver.cuda),
                Fix(f"Update the NVIDIA driver to one for CUDA {_major(build.cuda)} and reboot.", who="admin", risk="disruptive"),
                *_forward(gpus, build.cuda),
            ],
            cause="driver-too-old",
        )
    else:
        limits = ", apart from code compiled from PTX at run time" if _numbers(driver.cuda) < _numbers(build.cuda) else ""
        yield ok(f"driver {driver.version} (CUDA {driver.cuda}) runs CUDA {build.cuda}{limits}", seen)
