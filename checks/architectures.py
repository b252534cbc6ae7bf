"""The build contains code for every GPU in the machine.

Why: a wheel carries machine code for a list of compute capabilities. Code for 8.0 also runs on 8.6 and 8.9 (same major, higher minor);
PTX ("compute_90") is compiled for newer GPUs when the program starts. The suffix "a" binds code to that one capability, "f" to its family
(same major, same or higher minor). Everything else fails at the first kernel.
Seen as: "no kernel image is available for execution on the device", "sm_120 is not compatible with the current PyTorch installation".
"""

from __future__ import annotations

import re

from torchdoctor.api import Findings, Fix, check, fail, ok, skip
from torchdoctor.facts import Device, Devices, TorchBuild


def _capability(architecture: str) -> tuple[int, int]:
    """sm_86, sm_90a and compute_120 as (8, 6), (9, 0) and (12, 0)."""
    found = re.search(r"(\d+)(\d)[af]?$", architecture)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def covers(architectures: tuple[str, ...], capability: str) -> bool:
    """Whether a build with these architectures runs on a GPU of this compute capability."""
    major, minor = (int(part) for part in capability.split("."))
    for architecture in architectures:
        have = _capability(architecture)
        if architecture.endswith("a"):  # architecture-specific code, also as PTX, runs on that very capability only
            if have == (major, minor):
                return True
        elif architecture.startswith("compute") and not architecture.endswith("f"):
            if have <= (major, minor):
                return True
        elif have[0] == major and have[1] <= minor:
            return True
    return False


@check("TD305", group="device")
def architectures(build: TorchBuild, devices: Devices) -> Findings:
    gpus = [d for d in devices.accelerators() if d.kind == "cuda" and d.capability]
    if not gpus or not build.arch_list:
        yield skip("no GPU and architecture list to compare")
        return
    for gpu in gpus:
        yield from _judge(build, gpu)
    yield ok(f"{' '.join(build.arch_list)} cover {', '.join(sorted({g.capability or '' for g in gpus}))}")


def _judge(build: TorchBuild, gpu: Device) -> Findings:
    capability = gpu.capability or ""
    seen = [("torch.cuda.get_arch_list()", " ".join(build.arch_list)), ("torch", f"{gpu.model}: {capability}")]
    if build.build == "rocm":
        if capability not in build.arch_list:
            fix = Fix("Install a ROCm build that contains this architecture; HSA_OVERRIDE_GFX_VERSION helps only for close relatives.")
            yield fail(f"{gpu.model} is {capability}, which this build has no code for", seen, [fix], "rocm-arch-not-in-build", gpu.name)
        return
    if covers(build.arch_list, capability):
        return
    older = tuple(map(int, capability.split("."))) < min(_capability(a) for a in build.arch_list)
    if older:
        fix = Fix(
            "Install a build that still has this architecture: the CUDA 12.6 builds up to torch 2.14 begin at compute capability 5.0."
        )
        cause = "no-kernel-image-old-gpu"
    else:
        fix = Fix("Install a newer torch: CUDA 12.8 builds and later have code for Blackwell (10.0 and 12.0).")
        cause = "no-kernel-image-new-gpu"
    age = "older" if older else "newer"
    yield fail(f"{gpu.model} (compute capability {capability}) is {age} than this build's code", seen, [fix], cause, gpu.name)
