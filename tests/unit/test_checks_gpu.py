"""Judgements of GPU health that no scenario of the simulated driver shows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torchdoctor.checks.driver_for_build import driver_for_build
from torchdoctor.checks.gpu_counts_torch import gpu_counts_torch
from torchdoctor.checks.gpu_memory_errors import gpu_memory_errors
from torchdoctor.checks.gpu_processes import gpu_processes
from torchdoctor.checks.gpu_reachable import gpu_reachable
from torchdoctor.checks.nvidia_driver_loads import nvidia_driver_loads
from torchdoctor.checks.nvlink import nvlink
from torchdoctor.checks.xid_errors import xid_errors

from torchdoctor.facts import (
    Backend,
    Bus,
    Devices,
    GpuProcess,
    GpuState,
    Host,
    KernelLine,
    KernelLog,
    MemoryErrors,
    NvidiaDriver,
    NvLink,
    PciDevice,
    Thresholds,
    TorchBuild,
)
from torchdoctor.gpu_tables import thresholds
from torchdoctor.model import Status
from torchdoctor.testing import run_check

GIB = 2**30
LIMITS = Thresholds(thresholds())
HOST = Host("linux", "Ubuntu 24.04", "6.8.0", "x86_64", "node1")
GPU = GpuState(
    0, name="NVIDIA H100 80GB HBM3", bus_id="0000:18:00.0", brand="nvidia", memory_total=80 * GIB, memory_used=0, memory_reserved=0
)
XID = KernelLog("/dev/kmsg", None, (KernelLine("NVRM: Xid (PCI:0000:18:00): 79, GPU has fallen off the bus."),))


def node(*gpus):
    return {gpu.subject: gpu for gpu in gpus}


def cuda(count, **visible):
    return Devices((Backend("cuda", True, True, count),), (), visible)


@pytest.mark.parametrize(
    ("devices", "status"),
    [
        (cuda(2), Status.PASS),
        (cuda(1), Status.WARN),
        (cuda(1, CUDA_VISIBLE_DEVICES="0"), Status.SKIP),
        (Devices((), ()), Status.SKIP),
    ],
)
def test_torch_counts_the_gpus_of_the_driver(devices, status):
    assert run_check(gpu_counts_torch, node(GPU, replace(GPU, index=1)), devices).status is status


def test_a_model_that_is_not_in_the_table_is_said_and_compared_with_its_siblings():
    links = tuple(NvLink(n, True, "gpu") for n in range(4))
    known = replace(GPU, name="NVIDIA X900", nvlinks=links)
    fine = run_check(nvlink, node(known, replace(known, index=1)), LIMITS)
    assert fine.status is Status.INFO
    assert "not in the table" in fine.summary
    short = replace(known, index=1, nvlinks=(*links[:3], NvLink(3, False)))
    assert run_check(nvlink, node(known, short), LIMITS).status is Status.FAIL


@pytest.mark.parametrize(
    ("state", "status"),
    [("timeout", Status.FAIL), ("crashed", Status.FAIL), ("failed", Status.FAIL)],
)
def test_a_gpu_whose_probe_dies_is_a_failure_of_one_check_only(state, status):
    died = {GpuState: (state, "no answer within its 10 s")}
    assert run_check(gpu_reachable, died=died).status is status
    assert run_check(gpu_memory_errors, LIMITS, died=died).status in (Status.SKIP, Status.ERROR)


def test_an_xid_is_judged_where_the_driver_does_not_answer():
    result = run_check(xid_errors, XID)
    assert result.status is Status.FAIL
    assert result.findings[0].subject == "pci:0000:18:00"
    assert result.findings[0].cause == "gpu-fell-off-bus"


def test_a_log_that_may_not_be_read_is_a_skip_with_its_reason():
    result = run_check(xid_errors, KernelLog(why_not="/dev/kmsg: Operation not permitted"))
    assert result.status is Status.SKIP
    assert "Operation not permitted" in result.note


def test_an_xid_of_many_times_is_one_finding_that_shows_the_first():
    log = KernelLog("/dev/kmsg", None, tuple(KernelLine(f"NVRM: Xid (PCI:0000:18:00): 31, Ch {n}", 3600.0 * (9 - n)) for n in range(5)))
    (finding,) = run_check(xid_errors, log, node(GPU)).findings
    assert finding.status is Status.INFO
    assert "5 times" in finding.title
    assert "Ch 0" in finding.evidence[0].text
    assert "9 hours ago" in finding.evidence[0].text


@pytest.mark.parametrize(
    ("process", "status"),
    [
        (GpuProcess(7, "compute", 60 * GIB, alive=None), Status.WARN),  # another container's: its state cannot be seen
        (GpuProcess(7, "compute", 60 * GIB, alive=False), Status.FAIL),
        (GpuProcess(7, "compute", GIB, "python", True, True), Status.INFO),
        (GpuProcess(7, "graphics", GIB, "Xorg", True, False), Status.PASS),
        (GpuProcess(7, "mps", None, "nvidia-cuda-mps", True, False), Status.PASS),
    ],
)
def test_processes_on_a_gpu(process, status):
    assert run_check(gpu_processes, node(replace(GPU, processes=(process,))), LIMITS).status is status


def test_memory_errors_of_the_past_are_told_not_judged():
    past = replace(GPU, errors=MemoryErrors(True, True, 0, 0, 0, 4))
    assert run_check(gpu_memory_errors, node(past), LIMITS).status is Status.INFO


def test_a_driver_that_is_installed_without_any_gpu_is_no_problem():
    driver = NvidiaDriver(True, error="Driver Not Loaded", error_code=9)
    assert run_check(nvidia_driver_loads, driver, Bus(True), HOST).status is Status.SKIP
    card = Bus(True, (PciDevice("0000:18:00.0", "nvidia", "0x2330"),))
    assert run_check(nvidia_driver_loads, driver, card, HOST).status is Status.FAIL


def test_server_gpus_may_keep_their_driver():
    build = TorchBuild("2.11.0+cu130", "cuda", "13.0")
    old = NvidiaDriver(True, "550.54.15", "12.4")
    server = run_check(driver_for_build, build, old, node(GPU)).findings[0]
    desk = run_check(driver_for_build, build, old, node(replace(GPU, brand="geforce"))).findings[0]
    assert any("cuda-compat" in fix.do for fix in server.fixes)
    assert not any("cuda-compat" in fix.do for fix in desk.fixes)
    within = run_check(driver_for_build, replace(build, cuda="12.8"), old, node(GPU))
    assert within.status is Status.PASS
    assert "PTX" in within.summary


def test_a_limit_for_one_model_holds_for_it_only():
    assert LIMITS.of("nvlinks", "NVIDIA B200") == 18
    assert LIMITS.of("nvlinks", "NVIDIA X900") is None
    with pytest.raises(KeyError):
        LIMITS.general("no such limit")
