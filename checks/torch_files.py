"""The files of the torch installation are whole, and there is one torch.

Why: an interrupted or mixed installation leaves libraries cut off or missing, or the files of two versions in one folder. The record that
the wheel brought says how large each file must be.
Seen as: "file too short", "cannot open shared object file", "module 'torch' has no attribute", "invalid ELF header".
"""

from __future__ import annotations

from typing import Optional

from torchdoctor.api import Findings, Fix, check, fail, ok, skip, warn
from torchdoctor.facts import Packages, PythonEnv, TorchFiles
from torchdoctor.wheels import reinstall


@check("TD203", group="install")
def torch_files(files: TorchFiles, packages: Packages, python: Optional[PythonEnv]) -> Findings:
    if files.origin is None:
        yield skip("no torch to look at")
        return
    again = Fix(
        "Install the same version again.",
        (reinstall(python.installer if python else "pip", None, packages.version("torch")),),
        risk="restart",
    )
    broken = [*(f"{p} is missing" for p in files.libraries_missing), *(f"{p} is cut off or changed" for p in files.libraries_truncated)]
    if broken:
        extra = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        yield fail(f"{broken[0]}{extra}", [("RECORD of torch", "; ".join(broken))], [again], cause="torch-install-broken")
    copies = packages.copies("torch")
    if len(copies) > 1:
        seen = [("sys.path", f"{c.version} in {c.location}") for c in copies]
        fix = Fix("Uninstall until none is left, then install once.", ("pip uninstall -y torch", "pip uninstall -y torch"))
        yield warn(
            f"{len(copies)} copies of torch are on the path; {copies[0].version} is used", seen, [fix, again], cause="conda-pip-torch-mix"
        )
    if files.leftovers:
        fix = Fix("Delete the leftovers of an interrupted uninstall.", tuple(f"rm -r '{path}'" for path in files.leftovers[:3]))
        yield warn("an uninstall of torch was interrupted here", [("site-packages", path) for path in files.leftovers], [fix])
    yield ok(f"torch {files.local_version or packages.version('torch')}: its libraries have the recorded sizes")
