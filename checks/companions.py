"""Packages that build on torch fit the installed torch.

Why: torchvision, torchaudio, xformers and others contain code that was compiled against one version of torch and load only with it; transformers
and accelerate need a minimum. Their own metadata say which.
Seen as: "operator torchvision::nms does not exist", "undefined symbol: _ZN3c10...", "Disabling PyTorch because PyTorch >= 2.4 is required".
"""

from __future__ import annotations

from typing import Optional

from torchdoctor.api import Findings, check, ok, skip, warn
from torchdoctor.facts import Packages, PythonEnv
from torchdoctor.versions import local, satisfies
from torchdoctor.wheels import companion

CAUSES = {
    "torchvision": "torchvision-version-mismatch",
    "torchaudio": "torchaudio-version-mismatch",
    "torchcodec": "torchcodec-load-failed",
    "xformers": "xformers-mismatch",
    "flash-attn": "flash-attn-abi",
}


@check("TD206", group="install")
def companions(packages: Packages, python: Optional[PythonEnv]) -> Findings:
    torch = packages.version("torch")
    if torch is None or not packages.torch_wanted:
        yield skip("no package that requires a torch is installed" if torch else "torch is not installed")
        return
    for name, spec in packages.torch_wanted.items():
        version = packages.version(name) or ""
        if not satisfies(torch, spec):
            fix = companion(python.installer if python else "pip", name, torch)
            seen = [(f"METADATA of {name}", f"requires torch{spec}"), ("installed", f"torch {torch}")]
            cause = CAUSES.get(name, "torch-too-old-for-library")
            yield warn(f"{name} {version} requires torch{spec}, installed is {torch}", seen, [fix], cause=cause, subject=f"pkg:{name}")
    for name in ("torchvision", "torchaudio"):
        theirs = local(packages.version(name) or "")
        if theirs == "cpu" and local(torch).startswith(("cu", "rocm")):
            fix = companion(python.installer if python else "pip", name, torch)
            seen = [("installed", f"{name} {packages.version(name)}, torch {torch}")]
            cause = "torchvision-cpu-build" if name == "torchvision" else "torchaudio-version-mismatch"
            yield warn(f"{name} is a CPU build beside torch {torch}", seen, [fix], cause=cause, subject=f"pkg:{name}")
    yield ok(f"{len(packages.torch_wanted)} packages that require torch accept {torch}")
