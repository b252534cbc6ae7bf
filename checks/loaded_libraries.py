"""The CUDA libraries in the process are those that torch brought.

Why: LD_LIBRARY_PATH goes before the libraries of the wheel. A cuDNN, cuBLAS or NCCL of the system, of another package or of an old
toolkit is then loaded in place of the one that torch was built with. What counts is what was loaded, not what is installed.
Seen as: "CUDNN_STATUS_NOT_INITIALIZED", "CUBLAS_STATUS_INVALID_VALUE", "undefined symbol: ncclGroupSimulateEnd".
"""

from __future__ import annotations

from typing import Optional

from torchdoctor.api import Findings, Fix, check, ok, skip, warn
from torchdoctor.facts import LoadedLibraries, PythonEnv, TorchBuild, Variables

CAUSES = {
    "libcudnn": "cudnn-version-incompatible",
    "libcublas": "cublas-library-conflict",
    "libnccl": "nccl-lib-mismatch",
    "libnvJitLink": "nvjitlink-undefined-symbol",
    "libcusparse": "nvjitlink-undefined-symbol",
    "libmkl": "mkl-library-conflict",
}
BROUGHT = (
    "libcudnn",
    "libcublas",
    "libnccl",
    "libcudart",
    "libnvrtc",
    "libnvJitLink",
    "libcusparse",
    "libcufft",
    "libcurand",
    "libcusolver",
    "libcupti",
)


@check("TD208", group="install")
def loaded_libraries(loaded: LoadedLibraries, build: TorchBuild, variables: Variables, python: Optional[PythonEnv]) -> Findings:
    if not loaded.known:
        yield skip("the libraries of a process can be read on Linux only")
        return
    path = variables.values.get("LD_LIBRARY_PATH", "")
    home = python.prefix if python else ""
    names = BROUGHT if build.build == "cuda" else ()
    foreign = [lib for lib in loaded.libraries if lib.name.startswith(names) and not _belongs(lib.path, home)] if names else []
    for lib in foreign:
        family = next(name for name in names if lib.name.startswith(name))
        fix = Fix("Start without the foreign folder in LD_LIBRARY_PATH; wheels of torch need nothing there.", ("unset LD_LIBRARY_PATH",))
        seen = [("/proc/self/maps", lib.path), ("env", f"LD_LIBRARY_PATH={path}")]
        yield warn(
            f"{lib.name} was loaded from {lib.path}, not from torch's own libraries",
            seen,
            [fix],
            cause=CAUSES.get(family),
            subject=lib.name,
        )
    yield ok(f"{len(loaded.libraries)} watched libraries, none foreign")


def _belongs(path: str, home: str) -> bool:
    """Whether a library lies with the packages of this environment (or in a system torch's own folder)."""
    return "/site-packages/" in path or "/dist-packages/" in path or (bool(home) and path.startswith(home + "/"))
