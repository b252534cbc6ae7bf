"""torch and NumPy understand each other.

Why: torch up to 2.2 was compiled against NumPy 1 and cannot exchange arrays with NumPy 2; DataLoader, .numpy() and from_numpy then fail although
both import.
Seen as: "A module that was compiled using NumPy 1.x cannot be run in NumPy 2", "RuntimeError: Numpy is not available".
Source: PyTorch issues 107302 and 131668; torch 2.3 is the first with NumPy 2 support, on Windows 2.4.1.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, fail, info, ok
from torchdoctor.facts import Packages, TorchImport
from torchdoctor.versions import release


@check("TD207", group="install")
def numpy_bridge(imported: TorchImport, packages: Packages) -> Findings:
    numpy, torch = packages.version("numpy"), imported.version or ""
    warned = next((w for w in imported.warnings if "Failed to initialize NumPy" in w), "")
    if numpy is None:
        yield info(
            "NumPy is not installed: .numpy() and from_numpy() will not work",
            [],
            [Fix("Install it if the program uses it.", ("pip install numpy",))],
        )
    elif release(numpy) >= (2,) and (warned or (torch and release(torch) < (2, 3))):
        # warned: the Windows wheels of 2.3 and 2.4.0 were still compiled against NumPy 1
        fixes = [
            Fix("Install NumPy 1.", ('pip install "numpy<2"',), risk="restart"),
            Fix("Or upgrade torch: 2.4.1 and newer work with NumPy 2 on every platform.", risk="restart"),
        ]
        yield fail(
            f"torch {torch} was compiled for NumPy 1, installed is {numpy}",
            [("import torch", warned or "no warning")],
            fixes,
            cause="numpy2-abi",
        )
    elif warned:
        yield fail(
            f"torch cannot use NumPy {numpy}",
            [("import torch", warned)],
            [Fix("Install NumPy again.", ("pip install --force-reinstall numpy",))],
            cause="numpy-missing",
        )
    else:
        yield ok(f"NumPy {numpy}")
