"""Which build of torch this is: CPU, CUDA, ROCm, XPU or macOS.

Why: the build decides which devices can be used at all; "+cpu", "+cu128" or "+rocm6.4" behind the version says which it is, and so does
torch.version.cuda.
"""

from __future__ import annotations

from torchdoctor.api import Findings, check, ok
from torchdoctor.facts import TorchBuild

WORDS = {"cpu": "CPU build", "macos": "macOS build with MPS"}


@check("TD301", group="device")
def torch_build(build: TorchBuild) -> Findings:
    what = WORDS.get(build.build) or f"{build.build.upper()} build {build.hip or build.cuda or build.xpu}"
    yield ok(f"torch {build.version}, {what}", [("torch.version", f"cuda={build.cuda} hip={build.hip} xpu={build.xpu}")])
