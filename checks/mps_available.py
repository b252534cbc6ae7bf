"""On a Mac, MPS is built in and this macOS is new enough for it.

Why: each PyTorch raises the oldest macOS whose Metal it supports: 12.3 up to torch 2.4, 13 up to 2.8, 14 from 2.9 on. The error text of
some versions still names an older one.
Seen as: "The MPS backend is supported on MacOS 14.0+", torch.backends.mps.is_available() is False.
Source: PyTorch pull requests 133141 and 163515.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, fail, ok, skip, warn
from torchdoctor.facts import Devices, Host, TorchBuild

NEEDED = (((2, 9), 14.0), ((2, 5), 13.0), ((1, 12), 12.3))


def needed_macos(torch: str) -> float:
    """The oldest macOS whose GPU this torch can use."""
    version = tuple(int(part) for part in torch.split("+")[0].split(".")[:2])
    return next((macos for since, macos in NEEDED if version >= since), 12.3)


@check("TD308", group="device")
def mps_available(build: TorchBuild, devices: Devices, host: Host) -> Findings:
    backend = devices.backend("mps")
    if host.system != "macos" or backend is None:
        yield skip("not a Mac")
        return
    seen = [
        ("platform", f"macOS {host.version}, {host.arch}"),
        ("torch.backends.mps", f"built={backend.built} available={backend.available}"),
    ]
    needed = needed_macos(build.version)
    if backend.available:
        yield ok("MPS is available", seen)
    elif host.arch != "arm64":
        yield skip("an Intel Mac: PyTorch has no GPU support for it")
    elif not backend.built:
        yield warn(
            "this torch was built without MPS", seen, [Fix("Install the wheel from PyPI.", ("pip install --force-reinstall torch",))]
        )
    else:
        parts = [int(part) for part in host.version.split(".")[:2]]
        old = tuple(parts) < (int(needed), round(needed % 1 * 10))
        title = (
            f"macOS {host.version} is too old: torch {build.version} needs {needed:g} for MPS"
            if old
            else "MPS is built in but not available"
        )
        fixes = [Fix(f"Upgrade macOS to {needed:g} or newer, or install an older torch.", risk="restart")] if old else []
        yield fail(title, seen, fixes, cause="mps-macos-too-old" if old else None)
