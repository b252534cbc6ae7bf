"""AMD and Intel GPUs from a small /sys, and what is said of them."""

from __future__ import annotations

import dataclasses

import pytest
from torchdoctor.checks.amd_gpu import amd_gpu
from torchdoctor.checks.amd_gpu_health import amd_gpu_health
from torchdoctor.checks.intel_gpu import intel_gpu

from torchdoctor.facts import Host, SysfsGpu, SysfsGpus
from torchdoctor.model import Status
from torchdoctor.probes.sysfs_gpus import sysfs_gpus
from torchdoctor.testing import run_check

HOST = Host("linux", "Ubuntu 24.04", "6.8.0", "x86_64", "node1")
MI300 = SysfsGpu("0000:05:00.0", "amd", "amdgpu", "/dev/dri/renderD128", True, "gfx942", 192 * 2**30, 0, 0, 0, 2, 45.0, 100.0)
GOOD = SysfsGpus(True, (MI300,), True, True)
ARC = SysfsGpu("0000:00:02.0", "intel", "xe", "/dev/dri/renderD129", True)


@pytest.fixture
def root(tmp_path):
    device = tmp_path / "sys/devices/pci0000:00/0000:05:00.0"
    for path, text in {
        "vendor": "0x1002",
        "mem_info_vram_total": str(192 * 2**30),
        "mem_info_vram_used": "1024",
        "gpu_busy_percent": "3",
        "ras/umc_err_count": "ue: 1\nce: 4",
        "ras/gfx_err_count": "ue: 0\nce: 1",
        "hwmon/hwmon3/temp1_input": "45000",
        "hwmon/hwmon3/temp1_crit": "110000",
        "hwmon/hwmon3/temp2_input": "80000",
        "hwmon/hwmon3/temp2_crit": "95000",
        "hwmon/hwmon3/temp3_input": "81000",
        "drm/renderD128/dev": "226:128",
    }.items():
        (device / path).parent.mkdir(parents=True, exist_ok=True)
        (device / path).write_text(text + "\n")
    drm = tmp_path / "sys/class/drm"
    (drm / "card0").mkdir(parents=True)
    (drm / "card0/device").symlink_to(device)
    (drm / "card0-DP-1").mkdir()
    node = tmp_path / "sys/class/kfd/kfd/topology/nodes/1"
    node.mkdir(parents=True)
    (node / "properties").write_text("simd_count 1216\ngfx_target_version 90402\nlocation_id 1280\ndomain 0\n")
    (tmp_path / "dev/dri").mkdir(parents=True)
    (tmp_path / "dev/dri/renderD128").write_text("")
    (tmp_path / "dev/kfd").write_text("")
    return tmp_path


def test_an_amd_gpu_is_read_from_sys(root):
    read = sysfs_gpus(root)
    assert read.kfd and read.kfd_usable
    (gpu,) = read.of("amd")
    assert gpu.slot == "0000:05:00.0"
    assert gpu.architecture == "gfx942"
    assert (gpu.uncorrected_errors, gpu.corrected_errors) == (1, 5)
    assert (gpu.temperature, gpu.temperature_limit) == (80.0, 95.0)
    assert gpu.render_usable
    assert gpu.memory_total == 192 * 2**30


def test_a_machine_without_graphics_has_none(tmp_path):
    assert sysfs_gpus(tmp_path) == SysfsGpus(False, (), False, None)


@pytest.mark.parametrize("check", [amd_gpu, intel_gpu, amd_gpu_health])
@pytest.mark.parametrize("facts", [GOOD, SysfsGpus(True), SysfsGpus(False), SysfsGpus(True, (ARC,))])
def test_healthy_cards_raise_nothing(check, facts):
    arguments = [facts] if check is amd_gpu_health else [facts, HOST]
    assert run_check(check, *arguments).status in (Status.PASS, Status.SKIP)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (dataclasses.replace(GOOD, kfd=False, kfd_usable=None), "without /dev/kfd"),
        (dataclasses.replace(GOOD, kfd_usable=False), "/dev/kfd may not be used"),
        (dataclasses.replace(GOOD, gpus=(dataclasses.replace(MI300, render_usable=False),)), "renderD128 may not"),
    ],
)
def test_access_to_amd_gpus_is_told_not_judged(facts, words):
    result = run_check(amd_gpu, facts, HOST)
    assert result.status is Status.INFO
    assert words in result.summary


@pytest.mark.parametrize(
    ("changes", "cause"),
    [({"uncorrected_errors": 3}, "gpu-hardware-suspect"), ({"temperature": 101.0}, "gpu-throttled-thermal")],
)
def test_a_sick_amd_gpu_is_named(changes, cause):
    result = run_check(amd_gpu_health, dataclasses.replace(GOOD, gpus=(dataclasses.replace(MI300, **changes),)))
    assert result.status is Status.FAIL
    assert result.findings[0].subject == "pci:0000:05:00.0"
    assert result.findings[0].cause == cause
