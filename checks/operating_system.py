"""PyTorch publishes builds for this operating system and processor.

Why: the wheels on PyPI are built for 64-bit Linux with glibc, for macOS on Apple Silicon and for 64-bit Windows. Elsewhere pip finds
nothing, or an old version, or a build that runs under emulation.
Seen as: "No matching distribution found for torch"; a slow x86_64 Python on an Apple Silicon Mac.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, ok, warn
from torchdoctor.facts import Host

BUILT_FOR = {"linux": ("x86_64", "aarch64"), "macos": ("arm64", "x86_64"), "windows": ("AMD64", "ARM64")}


@check("TD101", group="host")
def operating_system(host: Host) -> Findings:
    seen = [("platform", f"{host.release}, {host.arch}{', ' + host.libc if host.libc else ''}")]
    if host.arch not in BUILT_FOR.get(host.system, ()):
        yield warn(
            f"PyTorch publishes no builds for {host.arch} on {host.system}",
            seen,
            [Fix("Build PyTorch from source, or use a 64-bit system.")],
        )
    if host.libc == "musl":
        yield warn(
            "This Linux uses musl, and PyTorch's wheels need glibc",
            seen,
            [Fix("Use an image with glibc (Debian, Ubuntu, Rocky) in place of Alpine.")],
            cause="pip-no-matching-distribution",
        )
    if host.rosetta:
        yield warn(
            "This Python is an x86_64 build that runs under Rosetta: it cannot use the Mac's GPU",
            seen,
            [Fix("Install a native arm64 Python and create the environment again with it.")],
            cause="macos-arch-mismatch",
        )
    if host.wsl == 1:
        yield warn(
            "This is WSL 1, which gives no access to a GPU",
            seen,
            [Fix("Convert the distribution to WSL 2.", ("wsl --set-version DISTRIBUTION 2",))],
        )
    yield ok(f"{host.release} on {host.arch}", seen)
