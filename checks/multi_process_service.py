"""Where programs look for the Multi-Process Service, it runs.

Why: CUDA looks for the control pipe of NVIDIA's Multi-Process Service in CUDA_MPS_PIPE_DIRECTORY (default /tmp/nvidia-mps). A pipe that a dead daemon left behind makes
every CUDA program wait or fail.
Seen as: CUDA error 805, "MPS client failed to connect to the MPS control daemon or the MPS server".
Source: NVIDIA, Multi-Process Service documentation.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, Status, check, fail, info, ok, skip
from torchdoctor.facts import NvidiaDriver, NvidiaFiles


@check("TD712", group="driver", crash=Status.SKIP)
def multi_process_service(files: NvidiaFiles, driver: NvidiaDriver) -> Findings:
    if not driver.gpus or not files.mps_pipe:
        yield skip("no Multi-Process Service here")
        return
    seen = [(files.mps_pipe, "has a control pipe"), ("/proc", f"nvidia-cuda-mps-control runs: {files.mps_control}")]
    if files.mps_control is False:
        fix = Fix(
            "Remove what the dead daemon left, or start it again.",
            (f"rm -r {files.mps_pipe}", "nvidia-cuda-mps-control -d"),
            who="admin",
        )
        yield fail("a control pipe of the Multi-Process Service is there, but no daemon behind it", seen, [fix], "mps-daemon-error")
    elif files.mps_control:
        yield info("programs share the GPUs through the Multi-Process Service", seen)
    else:
        yield ok("a Multi-Process Service's pipe is there; its daemon cannot be seen from here", seen)
