"""Which Python is examined, and what manages its packages.

Why: half of all "torch is not installed" and "it still shows the old version" come from installing into one environment and running another.
Fixes below name commands for the tool that manages this one.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, fail, ok, warn
from torchdoctor.facts import Host, PythonEnv


@check("TD202", group="install")
def python_environment(python: PythonEnv, host: Host) -> Findings:
    seen = [("sys.executable", python.executable), ("sys.prefix", python.prefix)]
    if python.bits == 32:
        yield fail(
            "this is a 32-bit Python, for which there is no torch",
            seen,
            [Fix("Install a 64-bit Python.")],
            cause="pip-no-matching-distribution",
        )
    if python.implementation != "CPython":
        yield warn(f"PyTorch publishes no wheels for {python.implementation}", seen, [Fix("Use CPython.")])
    if host.system == "macos" and host.arch == "arm64" and python.arch == "x86_64":
        fix = Fix("Install a native arm64 Python and create the environment again with it.")
        yield warn("an x86_64 Python on Apple Silicon: it cannot use the GPU", seen, [fix], cause="macos-arch-mismatch")
    words = {"venv": "in a virtual environment", "conda": "in a conda environment", "system": "of the system"}
    tool = f", managed by {python.installer}" if python.installer not in ("pip", python.kind) else ""
    yield ok(f"Python {python.version} {words.get(python.kind, python.kind)}{tool}", seen)
