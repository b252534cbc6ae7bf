"""Checks of launchers' variables and of the process group."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torchdoctor.checks.distributed_build import distributed_build
from torchdoctor.checks.launch_devices import launch_devices
from torchdoctor.checks.launch_variables import launch_variables
from torchdoctor.checks.local_collective import local_collective
from torchdoctor.checks.rendezvous_address import rendezvous_address
from torchdoctor.checks.scheduler_variables import scheduler_variables
from torchdoctor.checks.socket_interfaces import fits, socket_interfaces

from torchdoctor.facts import (
    Addresses,
    CollectiveRun,
    CollectiveRuns,
    Device,
    Devices,
    DistributedBuild,
    Failure,
    Host,
    LaunchEnv,
    RankRun,
    TorchBuild,
)
from torchdoctor.model import Status
from torchdoctor.testing import run_check

HOST = Host("linux", "Ubuntu 24.04", "6.8.0", "x86_64", "node1")
CUDA = TorchBuild("2.9.1+cu128", "cuda", "12.8")
TWO = Devices((), (Device("cpu", "cpu"), Device("cuda:0", "cuda"), Device("cuda:1", "cuda")))
BUILT = DistributedBuild(True, True, True, False, False)
JOB = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "node1", "MASTER_PORT": "29500"}
ADDRESS = Addresses("node1", ("10.0.0.5",), local=True, port=29500, port_free=True, hostname_resolves=True, interfaces=("lo", "ens5"))
DONE = ("all-reduce", "broadcast", "all-gather", "barrier")
GOOD_RANKS = (RankRun(0, "cpu", DONE), RankRun(1, "cpu", DONE))


def env(**changes: str | None) -> LaunchEnv:
    return LaunchEnv({k: v for k, v in {**JOB, **changes}.items() if v is not None})


def runs(*ranks: RankRun, backend: str = "gloo") -> CollectiveRuns:
    return CollectiveRuns((CollectiveRun(backend, len(ranks), ranks, 30.0),))


@pytest.mark.parametrize(
    ("check", "facts"),
    [
        (distributed_build, [BUILT, CUDA, HOST, TWO]),
        (distributed_build, [replace(BUILT, nccl=False), TorchBuild("2.9.1", "macos"), replace(HOST, system="macos"), Devices((), ())]),
        (launch_variables, [LaunchEnv({})]),
        (launch_variables, [LaunchEnv({"MASTER_ADDR": "x", "MASTER_PORT": "1"})]),
        (launch_variables, [env()]),
        (launch_devices, [env(), TWO]),
        (launch_devices, [env(), Devices((), (Device("cpu", "cpu"),))]),
        (scheduler_variables, [LaunchEnv({"SLURM_PROCID": "0", "SLURM_NTASKS": "1"})]),
        (scheduler_variables, [env(OMPI_COMM_WORLD_RANK="1", OMPI_COMM_WORLD_SIZE="2")]),
        (scheduler_variables, [env(SLURM_PROCID="0", SLURM_NTASKS="2", SLURM_NNODES="2", TORCHELASTIC_RUN_ID="1")]),
        (rendezvous_address, [ADDRESS, env()]),
        (rendezvous_address, [Addresses(), LaunchEnv({})]),
        (rendezvous_address, [replace(ADDRESS, port_free=False), env(TORCHELASTIC_RUN_ID="x")]),
        (socket_interfaces, [ADDRESS, env(NCCL_SOCKET_IFNAME="ens")]),
        (local_collective, [runs(*GOOD_RANKS)]),
    ],
)
def test_healthy_jobs_raise_nothing(check, facts):
    result = run_check(check, *facts)
    assert result.status in (Status.PASS, Status.SKIP), result


@pytest.mark.parametrize(
    ("check", "facts", "status", "words", "cause"),
    [
        (distributed_build, [DistributedBuild(False), CUDA, HOST, TWO], Status.WARN, "without torch.distributed", "distributed-not-available"),
        (distributed_build, [replace(BUILT, nccl=False), CUDA, HOST, TWO], Status.FAIL, "without NCCL", "nccl-not-built"),
        (launch_variables, [env(MASTER_ADDR=None)], Status.FAIL, "MASTER_ADDR", "dist-env-missing"),
        (launch_variables, [LaunchEnv({"WORLD_SIZE": "1"})], Status.WARN, "RANK", "dist-env-missing"),
        (launch_variables, [env(RANK="2", LOCAL_RANK="0")], Status.FAIL, "RANK=2 is not below", "world-size-mismatch"),
        (launch_variables, [env(RANK="x")], Status.FAIL, "whole numbers", "dist-env-missing"),
        (launch_variables, [env(LOCAL_RANK="5")], Status.FAIL, "LOCAL_RANK=5", "world-size-mismatch"),
        (launch_variables, [env(LOCAL_WORLD_SIZE="4")], Status.FAIL, "LOCAL_WORLD_SIZE=4", "world-size-mismatch"),
        (launch_variables, [env(MASTER_PORT="99999")], Status.FAIL, "99999", "world-size-mismatch"),
        (launch_devices, [env(LOCAL_WORLD_SIZE="4"), TWO], Status.FAIL, "4 local ranks for 2", "local-rank-invalid-device-ordinal"),
        (launch_devices, [env(SLURM_JOB_ID="1"), Devices((), TWO.devices[:2])], Status.FAIL, "Slurm shows", "slurm-gpu-visibility"),
        (scheduler_variables, [env(SLURM_PROCID="0", SLURM_NTASKS="2")], Status.FAIL, "SLURM_PROCID=0", "world-size-mismatch"),
        (scheduler_variables, [env(SLURM_PROCID="1", SLURM_NTASKS="4")], Status.FAIL, "4 tasks", "slurm-ntasks-mismatch"),
        (scheduler_variables, [env(SLURM_PROCID="0", SLURM_NTASKS="16", SLURM_NNODES="2", GROUP_RANK="0")], Status.WARN, "each starts torchrun", "slurm-task-placement"),
        (rendezvous_address, [replace(ADDRESS, resolved=(), resolve_error="Name or service not known"), env()], Status.FAIL, "does not resolve", "hostname-not-resolvable"),
        (rendezvous_address, [replace(ADDRESS, port_free=False), env()], Status.FAIL, "port 29500 is in use", "master-port-in-use"),
        (rendezvous_address, [replace(ADDRESS, resolved=("127.0.0.1",)), env(WORLD_SIZE="4")], Status.FAIL, "loopback", "rendezvous-timeout"),
        (socket_interfaces, [ADDRESS, env(NCCL_SOCKET_IFNAME="eth0")], Status.FAIL, "eth0", "nccl-socket-ifname"),
        (socket_interfaces, [ADDRESS, env(GLOO_SOCKET_IFNAME="eth0")], Status.FAIL, "eth0", "gloo-wrong-interface"),
        (local_collective, [runs(GOOD_RANKS[0], RankRun(1, "cpu", DONE[:1], "broadcast", (), Failure("RuntimeError", "Connection reset", "t")))], Status.FAIL, "a rank failed in broadcast", None),
        (local_collective, [runs(GOOD_RANKS[0], RankRun(1, "cpu", (), "all-reduce", ended="SIGSEGV"))], Status.FAIL, "SIGSEGV", None),
        (local_collective, [runs(*(RankRun(r, "cuda:0", (), "all-reduce", ended="did not finish", stack="Thread 0x1\n  File x") for r in (0, 1)), backend="nccl")], Status.FAIL, "rank 0 in all-reduce, rank 1 in all-reduce", "nccl-p2p-broken"),
        (local_collective, [runs(GOOD_RANKS[0], RankRun(1, "cpu", DONE[1:], "", ("all-reduce: expected [3], got [0]",)))], Status.FAIL, "wrong values", None),
    ],
)  # fmt: skip
def test_sick_jobs_are_named(check, facts, status, words, cause):
    result = run_check(check, *facts)
    assert result.status is status, result
    finding = next(f for f in result.findings if words in f.title)
    assert finding.cause == cause


@pytest.mark.parametrize(
    ("variable", "value", "good"),
    [
        ("NCCL_SOCKET_IFNAME", "ens", True),
        ("NCCL_SOCKET_IFNAME", "=ens", False),
        ("NCCL_SOCKET_IFNAME", "=ens5", True),
        ("NCCL_SOCKET_IFNAME", "^lo,docker", True),
        ("NCCL_SOCKET_IFNAME", "^lo,ens", False),
        ("GLOO_SOCKET_IFNAME", "ens5,lo", True),
        ("GLOO_SOCKET_IFNAME", "ens", False),
    ],
)
def test_the_syntax_of_interface_lists(variable, value, good):
    assert fits(variable, value, ("lo", "ens5")) is good
