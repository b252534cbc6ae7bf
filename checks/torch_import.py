"""torch is installed for this interpreter and can be imported.

Why: everything else depends on it. An import that fails, crashes or hangs has a reason of its own: a missing or foreign library, a file of
the same name in the way, another environment. "Not installed" is said only where there is nothing to import.
Seen as: "No module named 'torch'", "libcudnn.so.9: cannot open shared object file", "undefined symbol", a segmentation fault at start.
"""

from __future__ import annotations

from typing import Optional

from torchdoctor.api import Findings, Fix, Status, check, fail, info, ok
from torchdoctor.facts import PythonEnv, TorchFiles, TorchImport
from torchdoctor.wheels import install


@check("TD201", group="install", crash=Status.FAIL)
def torch_import(imported: TorchImport, files: Optional[TorchFiles], python: Optional[PythonEnv]) -> Findings:
    failure = imported.failure
    if failure is None:
        yield ok(f"torch {imported.version} from {imported.file}")
        if imported.seconds > 15:
            fix = Fix("Put the environment on a local disk; a network file system makes every start of every rank this slow.")
            yield info(f"importing torch took {imported.seconds:.0f} s", [("torch", str(imported.file))], [fix])
        return
    where = python.executable if python else "this interpreter"
    if files is not None and files.origin is None and failure.type == "ModuleNotFoundError" and "'torch'" in failure.message:
        yield fail(
            f"torch is not installed for {where}",
            [("import torch", f"{failure.type}: {failure.message}"), *(("other environment", path) for path in files.elsewhere)],
            [
                *(
                    Fix("Examine, and train with, the environment that has it.", (f"torchdoctor run --python {_prefix(p)}",))
                    for p in files.elsewhere[:2]
                ),
                Fix("Or install torch for this one.", (install(python.installer if python else "pip", where),), risk="restart"),
            ],
            cause="torch-not-installed-wrong-interpreter",
        )
        return
    seen = [("traceback", failure.traceback)]
    if files is not None and files.shadowing:
        fix = Fix("Rename the file or folder, or start from another directory.", (f"mv {files.origin} {_renamed(files.origin or '')}",))
        yield fail(f"{files.origin} stands in the way of the real torch", seen, [fix], cause="shadowed-module")
        return
    if "Failed to load the backend extension" in failure.message:
        fixes = [
            Fix("Start without autoloading, to see whether the rest works.", ("export TORCH_DEVICE_BACKEND_AUTOLOAD=0",)),
            Fix("Then install the backend in a version made for this torch, or uninstall it."),
        ]
        yield fail(f"a backend that torch loads by itself fails: {failure.message}"[:300], seen, fixes, cause="backend-autoload-failed")
        return
    first_line = failure.message.splitlines()[0] if failure.message else ""
    yield fail(f"torch is installed, but importing it fails: {failure.type}: {first_line}"[:300], seen)


def _prefix(site_packages: str) -> str:
    """The environment folder that a site-packages folder belongs to."""
    return site_packages.replace("\\", "/").split("/lib/")[0].split("/Lib/")[0]


def _renamed(path: str) -> str:
    head, dot, tail = path.rpartition(".")
    return f"{head}_mine{dot}{tail}" if dot else f"{path}_mine"
