"""Which shared libraries ``import torch`` really loaded, not which are installed somewhere."""

from __future__ import annotations

import os
import re
import sys

from torchdoctor.declare import probe
from torchdoctor.facts import LoadedLibraries, LoadedLibrary

_WATCHED = re.compile(
    r"^lib(?:cudnn|cublas|nccl|cudart|nvrtc|nvJitLink|cusparse|cufft|curand|cusolver|cupti|nvToolsExt|cuda\.so|c10|torch|gomp|omp|iomp|mkl|"
    r"stdc\+\+|openblas|amdhip64|rccl|rocblas|MIOpen|shm)"
)


@probe(lane="torch", timeout=20)
def loaded_libraries() -> LoadedLibraries:
    """The libraries that are mapped into a process with torch imported (Linux: /proc/self/maps)."""
    if not sys.platform.startswith("linux"):
        return LoadedLibraries(known=False)
    paths = set()
    with open("/proc/self/maps", errors="replace") as file:
        for line in file:
            path = line[line.find("/") :].strip() if "/" in line else ""
            if ".so" in path and _WATCHED.match(os.path.basename(path)):
                paths.add(path)
    return LoadedLibraries(True, tuple(LoadedLibrary(os.path.basename(p), p) for p in sorted(paths)))
