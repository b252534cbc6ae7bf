"""Checks of devices, over facts as they are on machines that the tests do not run on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torchdoctor.checks.architectures import architectures, covers
from torchdoctor.checks.cpu_only_build import cpu_only_build
from torchdoctor.checks.cuda_available import cuda_available
from torchdoctor.checks.device_context import device_context
from torchdoctor.checks.driver_for_build import driver_for_build
from torchdoctor.checks.mps_available import mps_available, needed_macos
from torchdoctor.checks.other_backends import other_backends
from torchdoctor.checks.torch_build import torch_build
from torchdoctor.checks.visible_devices import visible_devices

from torchdoctor.facts import (
    Backend,
    Bus,
    Device,
    DeviceContext,
    Devices,
    Failure,
    Host,
    NvidiaDriver,
    NvidiaGpu,
    PciDevice,
    PythonEnv,
    TorchBuild,
)
from torchdoctor.model import Status
from torchdoctor.testing import run_check

HOST = Host("linux", "Ubuntu 24.04", "6.8.0", "x86_64", "node1")
MAC = Host("macos", "macOS 15.1", "15.1", "arm64", "mac")
PYTHON = PythonEnv("/env/bin/python", "3.11.7", "CPython", 64, "x86_64", "venv", "/env", "uv")
ARCHES = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120")
CPU = TorchBuild("2.9.1+cpu", "cpu")
CUDA = TorchBuild("2.9.1+cu128", "cuda", "12.8", arch_list=ARCHES)
ROCM = TorchBuild("2.9.1+rocm6.4", "rocm", hip="6.4", arch_list=("gfx90a", "gfx942"))
MACOS = TorchBuild("2.9.1", "macos", mps_built=True)
DRIVER = NvidiaDriver(True, "570.86.10", "12.8", gpus=(NvidiaGpu(0, "NVIDIA H100", "GPU-aa11"), NvidiaGpu(1, "NVIDIA H100", "GPU-bb22")))
NO_DRIVER = NvidiaDriver(False, error="NVML Shared Library Not Found", error_code=12)
BUS = Bus(True, (PciDevice("0000:01:00.0", "nvidia", "0x2330", "nvidia"),))
NO_BUS = Bus(True)
AMD = Bus(True, (PciDevice("0000:03:00.0", "amd", "0x74a1", "amdgpu"),), kfd=True, kfd_writable=False)
GPU = Device("cuda:0", "cuda", "NVIDIA H100", 80 * 10**9, "9.0")
GOOD = Devices((Backend("cuda", True, True, 1),), (Device("cpu", "cpu"), GPU))


def unavailable(why: str, **visible: str) -> Devices:
    return Devices((Backend("cuda", True, False, 0, why),), (Device("cpu", "cpu"),), visible)


def with_gpu(capability: str, model: str = "a card") -> Devices:
    return Devices((Backend("cuda", True, True, 1),), (Device("cpu", "cpu"), replace(GPU, capability=capability, model=model)))


def mps(available: bool, built: bool = True) -> Devices:
    return Devices((Backend("mps", built, available, int(available)),), (Device("cpu", "cpu"),))


@pytest.mark.parametrize(
    ("check", "facts"),
    [
        (torch_build, [CUDA]),
        (cpu_only_build, [CPU, NO_BUS, NO_DRIVER, HOST, PYTHON]),
        (cpu_only_build, [CUDA, BUS, DRIVER, HOST, PYTHON]),
        (cuda_available, [CUDA, GOOD, DRIVER, BUS, HOST]),
        (cuda_available, [CPU, Devices((Backend("cuda", False, False),), ()), DRIVER, BUS, HOST]),
        (driver_for_build, [CUDA, DRIVER, PYTHON]),
        (driver_for_build, [CUDA, replace(DRIVER, version="535.104", cuda="12.2"), PYTHON]),
        (architectures, [CUDA, GOOD]),
        (architectures, [CUDA, with_gpu("8.9")]),
        (visible_devices, [Devices((), (), {"CUDA_VISIBLE_DEVICES": "1,GPU-aa"}), DRIVER]),
        (mps_available, [MACOS, mps(True), MAC]),
        (mps_available, [CPU, Devices((), ()), HOST]),
        (other_backends, [CPU, Devices((Backend("xpu", True, False),), ()), NO_BUS]),
        (device_context, [{"cuda:0": DeviceContext("cuda:0", True)}]),
    ],
)
def test_healthy_devices_raise_nothing(check, facts):
    assert run_check(check, *facts).status in (Status.PASS, Status.SKIP)


@pytest.mark.parametrize(
    ("check", "facts", "status", "words", "cause"),
    [
        (cpu_only_build, [CPU, BUS, DRIVER, HOST, PYTHON], Status.FAIL, "2 x NVIDIA H100", "torch-cpu-only-build"),
        (cpu_only_build, [CPU, BUS, NO_DRIVER, HOST, PYTHON], Status.WARN, "NVIDIA GPU", "torch-cpu-only-build"),
        (cpu_only_build, [CPU, AMD, NO_DRIVER, HOST, PYTHON], Status.WARN, "AMD GPU", "torch-cpu-only-build"),
        (cpu_only_build, [CPU, Bus(False), NO_DRIVER, MAC, PYTHON], Status.WARN, "without MPS", None),
        (cuda_available, [CUDA, unavailable("Found no NVIDIA driver on your system."), NO_DRIVER, NO_BUS, HOST], Status.INFO, "no GPU was found", None),
        (cuda_available, [CUDA, unavailable("Found no NVIDIA driver on your system."), NO_DRIVER, BUS, HOST], Status.FAIL, "cannot use it", "cuda-unavailable-no-driver"),
        (cuda_available, [CUDA, unavailable("The NVIDIA driver on your system is too old (found version 11040)."), DRIVER, BUS, HOST], Status.FAIL, "too old", "driver-too-old"),
        (cuda_available, [CUDA, unavailable("Error 802: system not yet initialized"), DRIVER, BUS, HOST], Status.FAIL, "802", "fabric-manager-not-running"),
        (cuda_available, [CUDA, unavailable("no CUDA-capable device", CUDA_VISIBLE_DEVICES=""), DRIVER, BUS, HOST], Status.FAIL, "hides all 2", "cuda-visible-devices-wrong"),
        (cuda_available, [CUDA, unavailable("x"), replace(NO_DRIVER, library=True, error="Driver/library version mismatch", error_code=18), BUS, HOST], Status.FAIL, "upgraded", "nvml-driver-library-mismatch"),
        (cuda_available, [ROCM, unavailable(""), NO_DRIVER, AMD, HOST], Status.FAIL, "/dev/kfd", "rocm-no-gpu-access"),
        (driver_for_build, [CUDA, replace(DRIVER, version="470.223", cuda="11.4"), PYTHON], Status.FAIL, "needs CUDA 12", "driver-too-old"),
        (architectures, [CUDA, with_gpu("6.1", "GTX 1080")], Status.FAIL, "older", "no-kernel-image-old-gpu"),
        (architectures, [replace(CUDA, arch_list=("sm_80", "sm_90")), with_gpu("12.0", "RTX 5090")], Status.FAIL, "newer", "no-kernel-image-new-gpu"),
        (architectures, [ROCM, with_gpu("gfx1103", "a laptop")], Status.FAIL, "gfx1103", "rocm-arch-not-in-build"),
        (visible_devices, [Devices((), (), {"CUDA_VISIBLE_DEVICES": "0,9"}), DRIVER], Status.FAIL, "'9'", "cuda-visible-devices-wrong"),
        (visible_devices, [Devices((), (), {"CUDA_VISIBLE_DEVICES": "GPU-cc"}), DRIVER], Status.FAIL, "GPU-cc", "cuda-visible-devices-wrong"),
        (visible_devices, [Devices((), (), {"CUDA_VISIBLE_DEVICES": "-1"}), DRIVER], Status.WARN, "hides all", "cuda-visible-devices-wrong"),
        (mps_available, [MACOS, mps(False), replace(MAC, version="13.6")], Status.FAIL, "needs 14", "mps-macos-too-old"),
        (mps_available, [MACOS, mps(False), MAC], Status.FAIL, "not available", None),
        (other_backends, [replace(CPU, build="xpu"), Devices((Backend("xpu", True, False, 0, "count is zero"),), ()), Bus(True, (PciDevice("0", "intel", "0x1"),))], Status.WARN, "xpu", None),
        (device_context, [{"cuda:0": DeviceContext("cuda:0", False, failure=Failure("RuntimeError", "all CUDA-capable devices are busy or unavailable", "t"))}], Status.FAIL, "busy", "devices-busy"),
        (device_context, [{"cuda:0": DeviceContext("cuda:0", False)}], Status.FAIL, "wrong product", "gpu-hardware-suspect"),
    ],
)  # fmt: skip
def test_sick_devices_are_named(check, facts, status, words, cause):
    result = run_check(check, *facts)
    assert result.status is status, result
    finding = next(f for f in result.findings if words in f.title)
    assert finding.cause == cause


@pytest.mark.parametrize(
    ("arches", "capability", "covered"),
    [
        (("sm_80",), "8.6", True),
        (("sm_86",), "8.0", False),
        (("sm_90a",), "9.0", True),
        (("sm_90a",), "10.0", False),
        (("compute_90",), "12.0", True),
        (("sm_70", "sm_80"), "7.5", True),
        (("sm_100", "sm_120"), "12.1", True),
        (("sm_120",), "10.0", False),
        (("sm_120f",), "12.1", True),
        (("sm_121f",), "12.0", False),
        (("sm_120a", "compute_120a"), "12.1", False),
    ],
)
def test_which_architectures_cover_a_capability(arches, capability, covered):
    assert covers(arches, capability) is covered


@pytest.mark.parametrize(("torch", "macos"), [("2.13.0", 14.0), ("2.5.1", 13.0), ("2.4.1+x", 12.3), ("2.10.0", 14.0)])
def test_the_macos_that_a_torch_needs(torch, macos):
    assert needed_macos(torch) == macos
