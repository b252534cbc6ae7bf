"""One OpenMP runtime is loaded.

Why: two runtimes in one process (Intel's from MKL, LLVM's, GNU's) each keep their own threads; on macOS and Windows the second one ends
the program, on Linux they slow each other down.
Seen as: "OMP: Error #15: Initializing libiomp5, but found libomp already initialized".
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, info, ok, skip
from torchdoctor.facts import LoadedLibraries

FAMILIES = {"libgomp": "GNU", "libiomp": "Intel", "libomp": "LLVM"}


@check("TD209", group="install")
def openmp_runtimes(loaded: LoadedLibraries) -> Findings:
    if not loaded.known:
        yield skip("the libraries of a process can be read on Linux only")
        return
    found = {family: lib.path for lib in loaded.libraries for start, family in FAMILIES.items() if lib.name.startswith(start)}
    if len(found) > 1:
        fix = Fix("Install NumPy and torch from one source, so that one runtime is left.")
        yield info(
            f"OpenMP runtimes of {' and '.join(sorted(found))} are loaded together",
            [("/proc/self/maps", p) for p in found.values()],
            [fix],
            cause="libomp-duplicate",
        )
    else:
        yield ok(f"{next(iter(found), 'no')} OpenMP runtime")
