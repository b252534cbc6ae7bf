"""The NVIDIA driver is new enough for the CUDA that torch was built with.

Why: the wheel brings its own CUDA runtime, the driver comes from the host. Since CUDA 11 only the major version has to fit: a CUDA 12.8
build runs on a driver that reports 12.2, with the exception of code that is compiled at run time from PTX.
Seen as: "The NVIDIA driver on your system is too old (found version 11040)", CUDA error 35.
Source: NVIDIA, CUDA compatibility, minor version compatibility.
"""

from __future__ import annotations

from typing import Optional

from torchdoctor.api import Findings, Fix, check, fail, ok, skip
from torchdoctor.facts import NvidiaDriver, PythonEnv, TorchBuild
from torchdoctor.wheels import for_driver


def _major(version: str) -> int:
    return int(version.split(".")[0])


@check("TD304", group="device")
def driver_for_build(build: TorchBuild, driver: NvidiaDriver, python: Optional[PythonEnv]) -> Findings:
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
            ],
            cause="driver-too-old",
        )
    else:
        yield ok(f"driver {driver.version} (CUDA {driver.cuda}) runs CUDA {build.cuda}", seen)
