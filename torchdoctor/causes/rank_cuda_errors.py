"""CUDA errors that one rank or one process reports: kernel assertions, the driver's age."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.versions import release

_ECHOES = (
    "nccl-watchdog-abort",
    "peer-rank-died-elsewhere",
    "nccl-timeout-straggler",
    "nccl-heartbeat-monitor",
    "nccl-unhandled-cuda-error",
    "mp-spawn-wrapper",
)

UNAVAILABLE = (r"\bis_available(?:\(\))?\)?(?: returns| is|:|=)?\W{0,10}False\b", r"CUDA available: {1,3}(?:False|No)\b")
"""A program, collect_env or a person says that torch sees no GPU; what else is known of the machine tells why."""


def below_minimum(groups: Mapping[str, str], situation: Any) -> bool:
    """Whether the driver is older than the least one for the CUDA version that torch was built with."""
    if not (situation.driver and situation.cuda):
        return False
    from torchdoctor.wheels.table import drivers

    major = situation.cuda.split(".")[0]
    least = [row.windows if situation.os == "windows" else row.linux for row in drivers().values() if row.cuda.split(".")[0] == major]
    return bool(least) and release(situation.driver) < min(map(release, least))


CAUSES = (
    Cause(
        slug="device-side-assert",
        title="An assertion in a CUDA kernel failed: a value, mostly an index or a label, was out of its range",
        why="The check runs on the GPU and is reported later, at some other call, so the traceback points to the wrong line; after it "
        "every CUDA call of the process fails.",
        signs=(
            Sign(r"device-side assert triggered"),
            Sign(r"cudaErrorAssert\b"),
            Sign(r"\bhipErrorAssert\b"),
            Sign(r"\bCUDA_ERROR_ASSERT\b"),
            Sign(r"cuda runtime error \((?:59|710)\)"),
            Sign(r"(?P<file>\w+\.cuh?):(?P<line>\d+):.{0,200}block: \[\d+, ?\d+, ?\d+\], thread: \[\d+, ?\d+, ?\d+\] Assertion"),
        ),
        fixes=(
            Fix(
                do="Run again with CUDA_LAUNCH_BLOCKING=1 (or on the CPU, where the message is plain) to see the operation that failed.",
                commands=("CUDA_LAUNCH_BLOCKING=1 python train.py",),
            ),
            Fix(
                do="Check what goes into that operation: indices below the number of embedding rows or the size of the dimension (index "
                "out of bounds), class labels between 0 and n_classes-1, inputs of a binary cross entropy within 0 and 1.",
                code="assert 0 <= int(ids.min()) and int(ids.max()) < model.get_input_embeddings().num_embeddings",
            ),
        ),
        explains=_ECHOES,
        examples=(
            "RuntimeError: CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported at some other "
            "API call",
            "torch.AcceleratorError: CUDA error: device-side assert triggered\nSearch for `cudaErrorAssert' in the CUDA documentation.",
        ),
        counterexamples=("AssertionError: assert len(x) == 3",),
    ),
    Cause(
        slug="driver-too-old",
        title="The NVIDIA driver is older than this CUDA build needs",
        why="Each CUDA version needs a minimum driver: 12.x at least 525, 11.x at least 450, 13.x at least 580. The installed driver "
        "speaks an older CUDA (nvidia-smi shows the newest it can).",
        signs=(
            Sign(r"detected and compatibility mode is UNAVAILABLE"),
            Sign(r"Expected symbol in library: (?:GetProcAddress|DlSym)", FAIR),
            Sign(r"CUDA driver version is insufficient for CUDA runtime version"),
            Sign(r"The NVIDIA driver on your system is too old \(found version (?P<found>\d+)\)"),
            Sign(r"NVIDIA driver on your system is too old"),
            Sign(r"cudaErrorInsufficientDriver"),
            *(Sign(pattern, test=below_minimum) for pattern in UNAVAILABLE),
            Sign(r"unsatisfied condition: cuda ?>= ?(?P<needs>[\d.]{2,8})"),
            Sign(r"unsatisfied condition: driver ?>= ?(?P<needs>[\d.]{2,12})"),
            Sign(r"cuda runtime error \(35\)"),
            Sign(r"CUDA driver version is insufficient"),
            Sign(r"CUDA initialization failure with error: 35\b", FAIR),
            Sign(r"CUDA error:? (?:code:? )?35\b", FAIR),
            Sign(r"\b(?:NVIDIA|CUDA|GPU) driver(?: version)? (?:\S{1,20} )?(?:is )?too old\b", FAIR),
            Sign(r"driver's CUDA version is (?P<found>[\d.]{3,6}) which is older than the (?:ptxas|PTX compiler) CUDA version", FAIR),
            Sign(r"API call is not supported in the installed CUDA driver"),
            Sign(r"CUDA Driver version found is (?P<found>\d+)\. Minimum requirement is (?P<needs>\d+)"),
            Sign(r"[Yy]our (?:NVIDIA|CUDA) driver .{0,40}(?:is )?too old", FAIR),
            Sign(r"driver .{0,40}is older than the minimum (?:supported|required)", FAIR),
            Sign(r"requires? (?:an? )?(?:NVIDIA )?driver (?:version )?(?:>=|of at least) ?(?P<needs>\d[\d.]{1,10})", WEAK),
        ),
        fixes=(
            Fix(
                do="Update the NVIDIA driver to a newer one (525 or newer for CUDA 12, 570 for 12.8, 580 for CUDA 13) and reboot; with "
                "WSL2 or Docker Desktop upgrade the Windows driver.",
                commands=("nvidia-smi",),
                who="admin",
                risk="restart",
            ),
            Fix(
                do="Or, without touching the driver, install a torch for an older CUDA that this driver supports (cu118 for driver 450 "
                "to 520), or use a container image with an older CUDA.",
                commands=("pip install torch==2.7.1 --index-url https://download.pytorch.org/whl/cu118",),
            ),
        ),
        refines=("nccl-unhandled-cuda-error",),
        explains=(*_ECHOES, "cuda-no-device-error"),
        examples=(
            "ERROR: This container was built for NVIDIA Driver Release 545.23 or later, but\n       version 470.57.02 was detected and compatibility mode is UNAVAILABLE.",
            "RuntimeError: The NVIDIA driver on your system is too old (found version 10020). Please update your GPU driver by "
            "downloading and installing a new version from the URL: http://www.nvidia.com/Download/index.aspx",
            "h3:44:44 [0] init.cc:300 NCCL WARN Cuda failure 'CUDA driver version is insufficient for CUDA runtime version'",
            "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.4, please update your driver to a newer version, "
            "or use an earlier cuda container: unknown",
            "PyTorch version: 2.6.0+cu124\nCUDA used to build PyTorch: 12.4\nIs CUDA available: False\nNvidia driver version: 470.82.01",
        ),
        counterexamples=(
            "NOTE: This container was built for NVIDIA Driver Release 545.23 or later, but\n       version 470.57.02 was detected and compatibility mode is ENABLED.",
            "NVIDIA-SMI 535.104.05    Driver Version: 535.104.05    CUDA Version: 12.2",
            "RuntimeError: CUDA error: no kernel image is available for execution on the device",
        ),
    ),
)
