"""No default of dtype, device or gradients is set that surprises.

Why: a default device of cuda or a default dtype of float64, set by a start-up file or a library, changes every tensor that is made without
saying what it should be.
Seen as: "Expected a 'cpu' device type for generator but found 'cuda'", tensors of dtype float64, gradients that are None.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, ok, warn
from torchdoctor.facts import TorchBuild


@check("TD404", group="placement")
def default_settings(build: TorchBuild) -> Findings:
    where = Fix("Look for what sets it at start: sitecustomize.py, usercustomize.py, or a backend that loads itself.")
    if build.default_dtype != "float32":
        yield warn(
            f"right after import the default dtype is {build.default_dtype}", [("torch.get_default_dtype()", build.default_dtype)], [where]
        )
    if build.default_device.split(":")[0] != "cpu":
        yield warn(
            f"right after import the default device is {build.default_device}",
            [("torch.get_default_device()", build.default_device)],
            [where],
            cause="generator-device-mismatch",
        )
    if not build.grad_enabled:
        yield warn("right after import gradients are switched off", [("torch.is_grad_enabled()", "False")], [where])
    yield ok("float32 on the CPU, gradients on")
