"""Checks of the installation."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torchdoctor.checks.companions import companions
from torchdoctor.checks.default_settings import default_settings
from torchdoctor.checks.loaded_libraries import loaded_libraries
from torchdoctor.checks.numpy_bridge import numpy_bridge
from torchdoctor.checks.openmp_runtimes import openmp_runtimes
from torchdoctor.checks.python_environment import python_environment
from torchdoctor.checks.shadowing_files import shadowing_files
from torchdoctor.checks.torch_files import torch_files
from torchdoctor.checks.torch_import import torch_import
from torchdoctor.checks.torch_requirements import torch_requirements

from torchdoctor.facts import (
    Failure,
    Host,
    LoadedLibraries,
    LoadedLibrary,
    Package,
    Packages,
    PythonEnv,
    TorchBuild,
    TorchFiles,
    TorchImport,
    Variables,
)
from torchdoctor.model import Status
from torchdoctor.testing import run_check

SITE = "/env/lib/python3.11/site-packages"
HOST = Host("linux", "Ubuntu 24.04", "6.8.0", "x86_64", "node1")
PYTHON = PythonEnv("/env/bin/python", "3.11.7", "CPython", 64, "x86_64", "venv", "/env", "pip")
IMPORTED = TorchImport("2.9.1+cu128", f"{SITE}/torch/__init__.py", 2.0)
FILES = TorchFiles(f"{SITE}/torch/__init__.py", local_version="2.9.1+cu128")
BUILD = TorchBuild("2.9.1+cu128", "cuda", "12.8")
NO_NUMPY = "UserWarning: Failed to initialize NumPy: _ARRAY_API not found"
PACKAGES = Packages(
    (Package("torch", "2.9.1+cu128", SITE), Package("numpy", "2.3.0", SITE), Package("torchvision", "0.24.1+cu128", SITE)),
    ('nvidia-cudnn-cu12==9.10.2.21; platform_system == "Linux"', "filelock", 'triton==3.5.1; platform_system == "Linux"'),
    {"torchvision": "==2.9.1"},
)


def with_package(name: str, version: str) -> Packages:
    return replace(PACKAGES, packages=(*(p for p in PACKAGES.packages if p.name != name), Package(name, version, SITE)))


def failed(kind: str, message: str) -> TorchImport:
    return TorchImport(None, None, 0.1, Failure(kind, message, f"Traceback (most recent call last):\n{kind}: {message}"))


def loaded(*paths: str) -> LoadedLibraries:
    return LoadedLibraries(True, tuple(LoadedLibrary(p.rsplit("/", 1)[1], p) for p in paths))


@pytest.mark.parametrize(
    ("check", "facts"),
    [
        (torch_import, [IMPORTED, FILES, PYTHON]),
        (python_environment, [PYTHON, HOST]),
        (torch_files, [FILES, PACKAGES, PYTHON]),
        (shadowing_files, [FILES]),
        (torch_requirements, [with_package("nvidia-cudnn-cu12", "9.10.2.21")]),
        (companions, [PACKAGES, PYTHON]),
        (numpy_bridge, [IMPORTED, PACKAGES]),
        (loaded_libraries, [loaded(f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9", "/usr/lib/libcuda.so.1"), BUILD, Variables({}), PYTHON]),
        (openmp_runtimes, [loaded("/usr/lib/libgomp.so.1")]),
        (default_settings, [BUILD]),
    ],
)
def test_a_healthy_installation_raises_nothing(check, facts):
    assert run_check(check, *facts).status in (Status.PASS, Status.SKIP)


@pytest.mark.parametrize(
    ("check", "facts", "status", "words", "cause"),
    [
        (torch_import, [failed("ModuleNotFoundError", "No module named 'torch'"), TorchFiles(None), PYTHON], Status.FAIL, "not installed", "torch-not-installed-wrong-interpreter"),
        (torch_import, [failed("ImportError", "x"), replace(FILES, origin="/w/torch.py", shadowing=True), PYTHON], Status.FAIL, "/w/torch.py", "shadowed-module"),
        (torch_import, [failed("OSError", "libcudnn.so.9: cannot open"), FILES, PYTHON], Status.FAIL, "libcudnn.so.9", None),
        (python_environment, [replace(PYTHON, bits=32), HOST], Status.FAIL, "32-bit", "pip-no-matching-distribution"),
        (python_environment, [PYTHON, replace(HOST, system="macos", arch="arm64")], Status.WARN, "Apple Silicon", "macos-arch-mismatch"),
        (torch_files, [replace(FILES, libraries_missing=("torch/lib/libtorch_cpu.so",)), PACKAGES, PYTHON], Status.FAIL, "is missing", "torch-install-broken"),
        (torch_files, [replace(FILES, libraries_truncated=("torch/lib/libc10.so",)), PACKAGES, PYTHON], Status.FAIL, "cut off", "torch-install-broken"),
        (torch_files, [FILES, replace(PACKAGES, packages=(*PACKAGES.packages, Package("torch", "2.1.0", "/other"))), PYTHON], Status.WARN, "2 copies", "conda-pip-torch-mix"),
        (torch_files, [replace(FILES, leftovers=("/x/~orch",)), PACKAGES, PYTHON], Status.WARN, "interrupted", None),
        (shadowing_files, [replace(FILES, shadowed_modules=("random.py",))], Status.WARN, "random.py", "shadowed-module"),
        (torch_requirements, [with_package("nvidia-cudnn-cu12", "8.9.2.26")], Status.WARN, "9.10.2.21", "cudnn-version-incompatible"),
        (companions, [replace(PACKAGES, torch_wanted={"torchvision": "==2.8.0"}), PYTHON], Status.WARN, "requires torch==2.8.0", "torchvision-version-mismatch"),
        (companions, [replace(PACKAGES, torch_wanted={"transformers": ">=2.10"}), PYTHON], Status.WARN, "requires torch>=2.10", "torch-too-old-for-library"),
        (companions, [with_package("torchvision", "0.24.1+cpu"), PYTHON], Status.WARN, "CPU build", "torchvision-cpu-build"),
        (numpy_bridge, [replace(IMPORTED, version="2.2.2"), PACKAGES], Status.FAIL, "NumPy 1", "numpy2-abi"),
        (numpy_bridge, [replace(IMPORTED, version="2.4.0", warnings=(NO_NUMPY,)), PACKAGES], Status.FAIL, "NumPy 1", "numpy2-abi"),
        (
            numpy_bridge,
            [replace(IMPORTED, warnings=(NO_NUMPY,)), with_package("numpy", "1.26.4")],
            Status.FAIL,
            "cannot use NumPy",
            "numpy-missing",
        ),
        (numpy_bridge, [IMPORTED, replace(PACKAGES, packages=())], Status.INFO, "not installed", None),
        (loaded_libraries, [loaded("/usr/local/cuda/lib64/libcudnn.so.8"), BUILD, Variables({"LD_LIBRARY_PATH": "/usr/local/cuda/lib64"}), PYTHON], Status.WARN, "/usr/local/cuda", "cudnn-version-incompatible"),
        (openmp_runtimes, [loaded("/a/libgomp.so.1", "/b/libiomp5.so")], Status.INFO, "OpenMP", "libomp-duplicate"),
        (default_settings, [replace(BUILD, default_dtype="float64")], Status.WARN, "float64", None),
        (default_settings, [replace(BUILD, default_device="cuda:0")], Status.WARN, "cuda:0", "generator-device-mismatch"),
        (default_settings, [replace(BUILD, grad_enabled=False)], Status.WARN, "gradients", None),
    ],
)  # fmt: skip
def test_a_sick_installation_is_named(check, facts, status, words, cause):
    result = run_check(check, *facts)
    assert result.status is status
    finding = next(f for f in result.findings if words in f.title)
    assert finding.cause == cause


def test_a_crash_of_the_import_is_a_failure_and_not_a_blind_spot():
    result = run_check(torch_import, FILES, PYTHON, died={TorchImport: ("crashed", "its process ended with SIGSEGV")})
    assert result.status is Status.FAIL
    assert "SIGSEGV" in result.summary


def test_another_environment_that_has_torch_is_proposed():
    files = TorchFiles(None, elsewhere=("/conda/lib/python3.10/site-packages",))
    result = run_check(torch_import, failed("ModuleNotFoundError", "No module named 'torch'"), files, PYTHON)
    assert "torchdoctor run --python /conda" in result.findings[0].fixes[0].commands
