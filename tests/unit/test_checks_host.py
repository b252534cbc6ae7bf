"""Checks of the machine: what makes each speak, and that a healthy machine makes none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torchdoctor.checks.cpu_instructions import cpu_instructions
from torchdoctor.checks.cpu_quota import cpu_quota
from torchdoctor.checks.disk_space import disk_space
from torchdoctor.checks.host_memory import host_memory
from torchdoctor.checks.locked_memory_limit import locked_memory_limit
from torchdoctor.checks.open_files_limit import open_files_limit
from torchdoctor.checks.operating_system import operating_system
from torchdoctor.checks.process_limit import process_limit
from torchdoctor.checks.shared_memory import shared_memory
from torchdoctor.checks.surroundings import surroundings

from torchdoctor.facts import Disk, Disks, Host, Limits, Resources
from torchdoctor.model import Status
from torchdoctor.testing import run_check

GIB = 2**30
HOST = Host("linux", "Ubuntu 24.04", "6.8.0", "x86_64", "node1", "glibc 2.39", cpu="EPYC", cpu_flags=("avx", "avx2"))
RESOURCES = Resources(64, 64, None, 512 * GIB, 400 * GIB, None, None, 0, 256 * GIB, 256 * GIB, None)
LIMITS = Limits(1048576, 1048576, -1, -1)
CHECKPOINTS = Disk("checkpoints (the working directory)", "/data", 900 * GIB, 1000 * GIB, True, 10**6)
CACHE = Disk("Hugging Face cache", "/home/u/.cache/huggingface", 90 * GIB, 100 * GIB, True, 10**6)


@pytest.mark.parametrize(
    ("check", "facts"),
    [
        (operating_system, [HOST]),
        (operating_system, [replace(HOST, system="macos", arch="arm64", libc=None)]),
        (operating_system, [replace(HOST, system="windows", arch="AMD64", libc=None)]),
        (surroundings, [HOST]),
        (cpu_quota, [RESOURCES]),
        (cpu_quota, [replace(RESOURCES, cpu_quota=60.0)]),
        (cpu_quota, [replace(RESOURCES, cpu_quota=4.0, omp_num_threads="4")]),
        (host_memory, [RESOURCES]),
        (disk_space, [Disks((CHECKPOINTS, CACHE))]),
        (shared_memory, [RESOURCES, HOST]),
        (open_files_limit, [LIMITS]),
        (open_files_limit, [replace(LIMITS, open_files=-1)]),
        (locked_memory_limit, [LIMITS, replace(HOST, infiniband=("mlx5_0",))]),
        (process_limit, [replace(LIMITS, pids_limit=40000, pids_used=100), RESOURCES, HOST]),
        (process_limit, [replace(LIMITS, processes=100), RESOURCES, replace(HOST, root=True)]),
        (cpu_instructions, [HOST]),
    ],
)
def test_healthy_machines_raise_nothing(check, facts):
    assert run_check(check, *facts).status in (Status.PASS, Status.SKIP)


@pytest.mark.parametrize(
    ("check", "facts", "status", "words", "cause"),
    [
        (operating_system, [replace(HOST, libc="musl")], Status.WARN, "musl", "pip-no-matching-distribution"),
        (operating_system, [replace(HOST, arch="i686")], Status.WARN, "i686", None),
        (operating_system, [replace(HOST, system="macos", arch="x86_64", rosetta=True)], Status.WARN, "Rosetta", "macos-arch-mismatch"),
        (operating_system, [replace(HOST, wsl=1)], Status.WARN, "WSL 1", None),
        (cpu_quota, [replace(RESOURCES, cpu_quota=4.0)], Status.WARN, "4 CPUs", None),
        (host_memory, [replace(RESOURCES, memory_available=GIB)], Status.WARN, "1.0 GiB", "host-oom-killed"),
        (host_memory, [replace(RESOURCES, memory_limit=GIB, memory_used=GIB - 2**20)], Status.FAIL, "1 MiB", "host-oom-killed"),
        (disk_space, [Disks((replace(CHECKPOINTS, free=2**20),))], Status.FAIL, "checkpoints", "checkpoint-save-failed"),
        (disk_space, [Disks((replace(CHECKPOINTS, free=3 * GIB),))], Status.WARN, "3.0 GiB", "checkpoint-save-failed"),
        (disk_space, [Disks((replace(CACHE, free=2**20),))], Status.WARN, "Hugging Face", "checkpoint-save-failed"),
        (disk_space, [Disks((replace(CACHE, writable=False),))], Status.WARN, "no right to write", None),
        (disk_space, [Disks((replace(CHECKPOINTS, free_inodes=3),))], Status.WARN, "3 more files", None),
        (shared_memory, [replace(RESOURCES, shm_total=2**26, shm_free=2**26), HOST], Status.WARN, "64 MiB", "dataloader-shm"),
        (shared_memory, [replace(RESOURCES, shm_free=2**20), HOST], Status.WARN, "nearly full", "dataloader-shm"),
        (open_files_limit, [replace(LIMITS, open_files=256)], Status.WARN, "256", "too-many-open-files"),
        (
            locked_memory_limit,
            [replace(LIMITS, locked_memory=65536), replace(HOST, infiniband=("mlx5_0",))],
            Status.WARN,
            "64 KiB",
            "nccl-ib-memlock",
        ),
        (process_limit, [replace(LIMITS, pids_limit=120, pids_used=100), RESOURCES, HOST], Status.WARN, "20 more", None),
        (cpu_instructions, [replace(HOST, cpu_flags=("avx",))], Status.WARN, "avx2", "cpu-missing-avx"),
    ],
)
def test_sick_machines_are_named(check, facts, status, words, cause):
    result = run_check(check, *facts)
    assert result.status is status
    finding = next(f for f in result.findings if words in f.title)
    assert finding.cause == cause
    assert finding.fixes


def test_the_tightest_of_limit_and_machine_counts():
    result = run_check(host_memory, replace(RESOURCES, memory_limit=4 * GIB, memory_used=GIB))
    assert "3.0 GiB" in result.summary
