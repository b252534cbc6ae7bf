"""What is installed for the patient, looked up in files; torch itself is not imported."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from torchdoctor.declare import probe
from torchdoctor.facts import Package, Packages, TorchFiles, Variables

INTERESTING = frozenset(
    [
        "torch",
        "torchvision",
        "torchaudio",
        "torchtext",
        "torchdata",
        "torchcodec",
        "torchao",
        "torchrec",
        "triton",
        "pytorch-triton",
        "pytorch-triton-rocm",
        "triton-windows",
        "numpy",
        "transformers",
        "accelerate",
        "peft",
        "bitsandbytes",
        "flash-attn",
        "xformers",
        "deepspeed",
        "pytorch-lightning",
        "lightning",
        "tokenizers",
        "safetensors",
        "huggingface-hub",
        "datasets",
        "diffusers",
        "vllm",
        "ray",
        "spacy",
        "thinc",
        "cupy",
        "apex",
        "fairscale",
        "timm",
        "sentence-transformers",
        "intel-extension-for-pytorch",
        "torch-npu",
        "scipy",
        "protobuf",
        "sentencepiece",
        "tiktoken",
        "ninja",
        "setuptools",
        "mkl",
        "intel-openmp",
        "nomkl",
        "pynvml",
        "nvidia-ml-py",
    ]
)
_DIST_INFO = re.compile(r"^(?P<name>.+?)-(?P<version>[^-]+)\.(?:dist-info|egg-info)$")
_WANTS_TORCH = re.compile(r"^Requires-Dist: torch(?![\w.-])\s*\(?(?P<spec>[^;)]*)\)?", re.MULTILINE)
_REQUIRES = re.compile(r"^Requires-Dist: (?P<line>.+)$", re.MULTILINE)
# Modules whose names people give to files of their own, and which torch needs on its way in.
_NEEDED_BY_TORCH = frozenset(
    ["numpy", "yaml", "sympy", "networkx", "jinja2", "filelock", "fsspec", "typing_extensions", "triton", "mpmath", "packaging"]
)


def normalised(name: str) -> str:
    """A distribution's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _text(path: Path, limit: int = 4_000_000) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(limit)
    except OSError:
        return ""


def _distributions(path: list[str]) -> Iterator[tuple[Package, Path]]:
    """Every interesting distribution on the path, by the names of its metadata folders: reading all metadata would cost too much."""
    for folder in dict.fromkeys(path):
        try:
            names = sorted(os.listdir(folder or "."))
        except OSError:
            continue
        for name in names:
            found = _DIST_INFO.match(name)
            if found and (normalised(found["name"]) in INTERESTING or normalised(found["name"]).startswith("nvidia-")):
                info = Path(folder or ".") / name
                yield Package(normalised(found["name"]), found["version"], folder, _text(info / "INSTALLER", 40).strip()), info


@probe(lane="patient", timeout=20)
def packages() -> Packages:
    """Versions of torch, its libraries and its usual company; what they require of torch, in their own metadata."""
    found = list(_distributions(sys.path))
    requires: tuple[str, ...] = ()
    wanted: dict[str, str] = {}
    for package, info in found:
        if package.name == "torch" and not requires:
            requires = tuple(m["line"] for m in _REQUIRES.finditer(_text(info / "METADATA")))
        elif not package.name.startswith("nvidia-") and package.name not in wanted:
            spec = _WANTS_TORCH.search(_text(info / "METADATA"))
            if spec and spec["spec"].strip():
                wanted[package.name] = spec["spec"].replace(" ", "")
    return Packages(tuple(package for package, _ in found), requires, wanted)


def _is_torch(folder: Path) -> bool:
    return any(folder.glob("_C*")) and (folder / "version.py").exists()


def _record(info: Path, root: Path) -> tuple[list[str], list[str]]:
    """Shared libraries of an installation that its own record lists and that are gone, or have another size."""
    missing, truncated = [], []
    for line in _text(info / "RECORD", 50_000_000).splitlines():
        if ".so" not in line and ".dylib" not in line and ".dll" not in line and ".pyd" not in line:
            continue
        if line.count(",") < 2:
            continue
        path, _, size_text = line.rsplit(",", 2)
        if path.startswith('"'):
            path = path.strip('"')
        try:
            size = (root / path).stat().st_size
        except OSError:
            missing.append(path)
            continue
        if size_text.isdigit() and int(size_text) != size:
            truncated.append(path)
    return missing, truncated


def _shadows(folder: str) -> tuple[str, ...]:
    """Files in the working directory that take the name of a module that torch needs."""
    standard = frozenset(getattr(sys, "stdlib_module_names", ()))
    found = []
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return ()
    for name in sorted(names):
        stem = name[:-3] if name.endswith(".py") else name
        is_module = name.endswith(".py") or os.path.isfile(os.path.join(folder, name, "__init__.py"))
        if (
            is_module
            and (stem in _NEEDED_BY_TORCH or (stem in standard and name.endswith(".py")))
            and stem not in ("__init__", "this", "test")
        ):
            found.append(name)
    return tuple(found)


def _elsewhere() -> tuple[str, ...]:
    """Other environments that are active or first on PATH and have a torch."""
    import shutil

    prefixes = [os.environ.get("VIRTUAL_ENV"), os.environ.get("CONDA_PREFIX")]
    for program in ("python3", "python"):
        path = shutil.which(program)
        if path:
            prefixes.append(str(Path(path).parent.parent))
    found = []
    for prefix in dict.fromkeys(p for p in prefixes if p):
        if os.path.realpath(prefix) != os.path.realpath(sys.prefix):
            found += [
                str(p.parent)
                for pattern in ("lib/python3*/site-packages/torch", "Lib/site-packages/torch")
                for p in Path(prefix).glob(pattern)
            ]
    return tuple(found)


@probe(lane="patient", timeout=20)
def torch_files() -> TorchFiles:
    """Where ``import torch`` would look, what is there, and whether it is whole."""
    try:
        spec = importlib.util.find_spec("torch")
    except (ImportError, ValueError):
        spec = None
    first = sys.path[0] if sys.path else ""
    installed = [info for package, info in _distributions(sys.path) if package.name == "torch"]
    leftovers = tuple(str(p) for folder in dict.fromkeys(sys.path) if folder and os.path.isdir(folder) for p in Path(folder).glob("~orch*"))
    if spec is None:
        return TorchFiles(None, shadowed_modules=_shadows(first), leftovers=leftovers, elsewhere=_elsewhere())
    origin = spec.origin or next(iter(spec.submodule_search_locations or ()), None)
    folder = Path(origin or "").parent if spec.origin else Path(origin or "")
    whole = spec.submodule_search_locations is not None and _is_torch(folder)
    missing, truncated = _record(installed[0], installed[0].parent) if installed else ([], [])
    return TorchFiles(
        origin=origin,
        is_package=spec.submodule_search_locations is not None,
        shadowing=not whole and not any(info.parent == folder.parent for info in installed),
        shadowed_modules=_shadows(first),
        local_version=_version(folder),
        libraries_missing=tuple(missing[:20]),
        libraries_truncated=tuple(truncated[:20]),
        leftovers=leftovers,
        elsewhere=_elsewhere() if not whole else (),
    )


def _version(folder: Path) -> Optional[str]:
    found = re.search(r"__version__ = ['\"]([^'\"]+)", _text(folder / "version.py"))
    return found[1] if found else None


@probe(lane="patient", timeout=10)
def variables() -> Variables:
    """Environment variables that change how libraries are found or how PyTorch behaves."""
    prefixes = (
        "CUDA_",
        "NCCL_",
        "TORCH_",
        "PYTORCH_",
        "OMP_",
        "MKL_",
        "KMP_",
        "HSA_",
        "HIP_",
        "ROCR_",
        "GLOO_",
        "TRITON_",
        "CUBLAS_",
        "CUDNN_",
        "BNB_",
        "XLA_",
    )
    names = (
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "DYLD_LIBRARY_PATH",
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONNOUSERSITE",
        "ACCELERATE_TORCH_DEVICE",
    )
    return Variables({k: v for k, v in sorted(os.environ.items()) if k in names or k.startswith(prefixes)})
