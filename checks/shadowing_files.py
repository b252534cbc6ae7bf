"""No file in the working directory takes the name of a module that torch needs.

Why: Python looks in the directory of the program first. A file called random.py, queue.py or numpy.py there is imported in place of the
real one, by torch as well.
Seen as: "partially initialized module 'torch' has no attribute", "cannot import name", errors that vanish in another directory.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, ok, warn
from torchdoctor.facts import TorchFiles


@check("TD204", group="install")
def shadowing_files(files: TorchFiles) -> Findings:
    for name in files.shadowed_modules:
        fix = Fix("Rename it, or start programs from another directory.", (f"mv {name} my_{name}",))
        yield warn(
            f"{name} in the working directory hides the module of that name", [("working directory", name)], [fix], cause="shadowed-module"
        )
    yield ok("nothing in the working directory hides a module")
