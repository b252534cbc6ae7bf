"""Judging speeds, correctness, memory, attention and load over facts of machines that the tests do not run on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torchdoctor.checks.attention_backends import attention_backends
from torchdoctor.checks.device_transfers import device_transfers
from torchdoctor.checks.host_transfers import host_transfers
from torchdoctor.checks.matmul_throughput import matmul_throughput
from torchdoctor.checks.memory_bandwidth import memory_bandwidth
from torchdoctor.checks.memory_patterns import memory_patterns
from torchdoctor.checks.numeric_correctness import numeric_correctness
from torchdoctor.checks.sustained_load import sustained_load

from torchdoctor.facts import (
    AttentionBackend,
    AttentionRun,
    BadWord,
    CorrectnessRun,
    Deviation,
    Failure,
    LoadSample,
    MemoryPatternRun,
    NumericCase,
    Part,
    Peer,
    PeerRun,
    Rate,
    SustainedRun,
    ThroughputRun,
)
from torchdoctor.model import CheckResult, Status
from torchdoctor.testing import run_check

H100 = "NVIDIA H100 80GB HBM3"
BUSY = "the GPU is in use by 2 processes (--busy-ok runs it all the same)"


def rate(name: str, variant: str, best: float, size: int = 8192) -> Rate:
    unit = "TFLOP/s" if name == "matmul" else "GB/s"
    return Rate(name, variant, unit, best, best * 0.995, 5, size)


def speeds(device: str, bf16: float = 700.0, memory: float = 3000.0, host: float = 55.0, model: str = H100) -> ThroughputRun:
    rates = (
        rate("matmul", "bfloat16", bf16),
        rate("copy", "", memory),
        rate("host-to-device", "pinned", host),
        rate("device-to-host", "pinned", host),
    )
    return ThroughputRun(device, model, timer="events", rates=rates)


def node(**odd: ThroughputRun) -> dict[str, ThroughputRun]:
    """Eight healthy devices with the usual spread, some replaced by ``cuda3=...``."""
    runs = {f"cuda:{n}": speeds(f"cuda:{n}", 700 + 8 * (n % 4), 3000 + 9 * n, 55 + 0.02 * n) for n in range(8)}
    return {**runs, **{name.replace("cuda", "cuda:"): run for name, run in odd.items()}}


def named(result: CheckResult, status: Status) -> list[str]:
    """The subjects of a result's findings, after its status was checked."""
    assert result.status is status, result
    return [finding.subject for finding in result.findings]


# ------------------------------------------------------------------------------------------------ speed


@pytest.mark.parametrize("check", [matmul_throughput, memory_bandwidth, host_transfers])
def test_a_healthy_node_is_not_accused(check):
    assert named(run_check(check, node()), Status.PASS) == []


@pytest.mark.parametrize(
    ("check", "slow"),
    [
        (matmul_throughput, speeds("cuda:3", bf16=600)),
        (memory_bandwidth, speeds("cuda:3", memory=2500)),
        (host_transfers, speeds("cuda:3", host=26)),
    ],
)
def test_the_slow_device_is_named_and_only_warned_of(check, slow):
    result = run_check(check, node(cuda3=slow))
    assert set(named(result, Status.WARN)) == {"cuda:3"}


def test_a_slow_link_has_its_cause():
    result = run_check(host_transfers, node(cuda3=speeds("cuda:3", host=26)))
    assert {finding.cause for finding in result.findings} == {"pcie-link-degraded"}


def test_the_other_socket_is_further_away():
    runs = {f"cuda:{n}": speeds(f"cuda:{n}", host=55 if n < 4 else 46, model="a card") for n in range(8)}
    assert named(run_check(host_transfers, runs), Status.PASS) == []


def test_of_two_the_slower_one_is_named():
    runs = {"cuda:0": speeds("cuda:0", 690, model="a card"), "cuda:1": speeds("cuda:1", 500, model="a card")}
    assert named(run_check(matmul_throughput, runs), Status.WARN) == ["cuda:1"]


def test_other_models_and_the_cpu_are_no_equals():
    runs = {"cpu": speeds("cpu", 0.1, model=""), "cuda:0": speeds("cuda:0", 100, model="one"), "cuda:1": speeds("cuda:1", 9, model="two")}
    result = run_check(matmul_throughput, runs)
    assert named(result, Status.PASS) == []
    assert "no table for this model" in result.summary


def test_an_unsteady_measurement_accuses_nobody():
    steady = speeds("sim:0", 100, model="x")
    shaky = replace(steady, device="sim:1", rates=(replace(steady.rates[0], best=80.0, typical=60.0),))
    assert named(run_check(matmul_throughput, {"sim:0": steady, "sim:1": shaky}), Status.PASS) == []


def test_all_slow_alike_are_seen_by_the_table():
    runs = {f"cuda:{n}": speeds(f"cuda:{n}", 400) for n in range(4)}
    result = run_check(matmul_throughput, runs)
    assert named(result, Status.WARN) == [f"cuda:{n}" for n in range(4)]
    assert any(seen.source.startswith("table of") for seen in result.findings[0].evidence)


def test_rows_that_are_not_to_be_relied_on_gate_nothing():
    assert named(run_check(matmul_throughput, {"cuda:0": speeds("cuda:0", 5, model="Tesla T4")}), Status.PASS) == []


def test_a_slice_of_a_gpu_is_no_whole_one():
    model = "NVIDIA A100-SXM4-80GB MIG 1g.10gb"
    assert named(run_check(matmul_throughput, {"cuda:0": speeds("cuda:0", 30, model=model)}), Status.PASS) == []


def test_memory_and_link_far_below_what_a_model_has():
    assert named(run_check(memory_bandwidth, {"cuda:0": speeds("cuda:0", memory=1200)}), Status.WARN) == ["cuda:0"]
    assert named(run_check(host_transfers, {"cuda:0": speeds("cuda:0", host=25)}), Status.WARN) == ["cuda:0", "cuda:0"]


def test_a_busy_gpu_is_a_visible_skip():
    run = ThroughputRun("cuda:0", H100, not_run=BUSY)
    result = run_check(matmul_throughput, {"cuda:0": run})
    assert result.status is Status.SKIP and "2 processes (--busy-ok" in result.summary
    with_cpu = run_check(matmul_throughput, {"cpu": speeds("cpu", model=""), "cuda:0": run})
    assert with_cpu.status is Status.PASS and "cuda:0 not run: the GPU is in use" in with_cpu.summary


def test_there_is_nothing_to_transfer_without_a_device():
    assert run_check(host_transfers, {"cpu": speeds("cpu")}).status is Status.SKIP


def test_a_product_that_fails():
    broken = replace(rate("matmul", "float16", 1.0), best=None, failure=Failure("RuntimeError", "CUBLAS_STATUS_EXECUTION_FAILED", "trace"))
    run = ThroughputRun("cuda:0", H100, rates=(broken,))
    assert named(run_check(matmul_throughput, {"cuda:0": run}), Status.FAIL) == ["cuda:0"]


# ------------------------------------------------------------------------------------------------ pairs


def pairs(**changed: Peer) -> dict[str, PeerRun]:
    runs = {}
    for one in range(4):
        peers = [Peer(f"cuda:{n}", rate("device-to-device", f"cuda:{n}", 390.0), 0) for n in range(4) if n != one]
        runs[f"cuda:{one}"] = PeerRun(f"cuda:{one}", H100, peers=tuple(peers))
    for name, peer in changed.items():
        device = name.replace("cuda", "cuda:")
        runs[device] = replace(runs[device], peers=(peer, *runs[device].peers[1:]))
    return runs


def test_pairs():
    assert named(run_check(device_transfers, pairs()), Status.PASS) == []
    slow = run_check(device_transfers, pairs(cuda2=Peer("cuda:0", rate("device-to-device", "cuda:0", 20.0), 0)))
    assert named(slow, Status.INFO) == ["cuda:2"]
    wrong = run_check(device_transfers, pairs(cuda2=Peer("cuda:0", rate("device-to-device", "cuda:0", 390.0), 512)))
    assert named(wrong, Status.FAIL) == ["cuda:2"] and wrong.findings[0].cause == "nccl-p2p-broken"


def test_one_device_has_no_pairs():
    runs = {"cpu": PeerRun("cpu", not_run="the CPU has no peers"), "cuda:0": PeerRun("cuda:0", not_run="there is one device of this kind")}
    assert run_check(device_transfers, runs).summary == "there is one device of this kind"


# ------------------------------------------------------------------------------------------------ correctness

GOOD = NumericCase("matmul", "float32", "64x64x64", 64, Deviation(2e-7, 1e-7, 0, 4096), Deviation(0, 0, 0, 4096), 0, 20, 0, "aa")


def computed(**cases: NumericCase) -> dict[str, CorrectnessRun]:
    runs = {f"cuda:{n}": CorrectnessRun(f"cuda:{n}", H100, precision="highest", cases=(GOOD,)) for n in range(4)}
    for name, case in cases.items():
        device = name.replace("cuda", "cuda:")
        runs[device] = replace(runs[device], cases=(case,))
    return runs


@pytest.mark.parametrize(
    ("case", "status"),
    [
        (GOOD, Status.PASS),
        (replace(GOOD, deviation=Deviation(0.01, 0.001, 0, 4096)), Status.FAIL),
        (replace(GOOD, non_finite=1), Status.FAIL),
        (replace(GOOD, differing=1, repeat=Deviation(0.5, 0.01, 0, 4096)), Status.FAIL),
        (replace(GOOD, differing=3, repeat=Deviation(1e-7, 1e-8, 0, 4096)), Status.WARN),
        (replace(GOOD, fingerprint="bb"), Status.WARN),
        (replace(GOOD, deviation=None, failure=Failure("RuntimeError", "CUDA error: unspecified launch failure", "t")), Status.FAIL),
        (replace(GOOD, dtype="float64", deviation=None, fingerprint="", unavailable="not supported"), Status.PASS),
    ],
)
def test_the_device_that_computes_wrong_is_named(case, status):
    result = run_check(numeric_correctness, computed(cuda2=case))
    assert set(named(result, status)) == (set() if status is Status.PASS else {"cuda:2"})


def test_reduced_precision_that_the_user_chose_is_not_wrong():
    case = replace(GOOD, deviation=Deviation(3e-4, 1e-4, 0, 4096))
    allowed = {"cuda:0": CorrectnessRun("cuda:0", H100, precision="high", cases=(case,))}
    assert run_check(numeric_correctness, allowed).status is Status.PASS
    assert run_check(numeric_correctness, {"cuda:0": replace(allowed["cuda:0"], precision="highest")}).status is Status.FAIL


# ------------------------------------------------------------------------------------------------ memory, attention

MEMORY = MemoryPatternRun("cuda:0", H100, tested=70 * 2**30, patterns=("zeros", "ones"))


def test_memory():
    assert run_check(memory_patterns, {"cuda:0": MEMORY}).status is Status.PASS
    bad = replace(MEMORY, wrong=2, first=(BadWord("ones", 77, 0xFFFFFFFF, 0xFFFFFFFE),))
    result = run_check(memory_patterns, {"cuda:0": MEMORY, "cuda:1": replace(bad, device="cuda:1")})
    assert named(result, Status.FAIL) == ["cuda:1"]
    assert "read 0xfffffffe" in result.findings[0].evidence[0].text


def attention(**off: float) -> AttentionRun:
    """Backends by how far their result is from float64."""
    values = {"math": 1e-7, "flash": 2e-7, "cudnn": 2e-7, **off}
    backends = tuple(
        AttentionBackend(name if name == "math" else f"{name}-attention", "float32", (Part("full", Deviation(far, far, 0, 64)),))
        for name, far in values.items()
    )
    return AttentionRun("cuda:0", H100, precision="highest", backends=backends)


def test_attention():
    assert run_check(attention_backends, {"cuda:0": attention()}).status is Status.PASS
    one = run_check(attention_backends, {"cuda:0": attention(flash=0.1)})
    assert one.status is Status.FAIL and "flash-attention is wrong" in one.summary and one.findings[0].cause is None
    assert one.findings[0].fixes[0].code == "torch.backends.cuda.enable_flash_sdp(False)"
    all_ = run_check(attention_backends, {"cuda:0": attention(flash=0.1, math=0.1)})
    assert [finding.cause for finding in all_.findings] == ["gpu-hardware-suspect"]


# ------------------------------------------------------------------------------------------------ load


def load(device: str, temperature: int = 62, reasons: int = 0x4, last: float = 600.0, **values: object) -> SustainedRun:
    samples = tuple(
        LoadSample(n * 0.5, 600.0 if n < 10 else last, 1700, temperature if n > 4 else 50, 70, 690.0, reasons if n > 4 else 0)
        for n in range(20)
    )
    run = SustainedRun(device, H100, dtype="bfloat16", size=8192, planned=10, products=9000, samples=samples, watched="nvml")
    return replace(run, clock_sm_max=1980, temperature_slowdown=87, replays=0, **values)


def loaded(odd: SustainedRun | None = None) -> dict[str, SustainedRun]:
    runs = {f"cuda:{n}": load(f"cuda:{n}", 60 + n) for n in range(4)}
    return {**runs, odd.device: odd} if odd else runs


def test_a_healthy_node_under_load_is_not_accused():
    result = run_check(sustained_load, loaded())
    assert named(result, Status.PASS) == [] and "cuda:3 600 TFLOP/s in bfloat16 for 10 s, up to 63 C" in result.summary


@pytest.mark.parametrize(
    ("odd", "status", "cause"),
    [
        (load("cuda:2", 88, 0x48), Status.WARN, "gpu-throttled-thermal"),
        (load("cuda:2", 90, 0), Status.WARN, "gpu-throttled-thermal"),
        (load("cuda:2", 60, 0x20), Status.WARN, "gpu-throttled-thermal"),
        (load("cuda:2", 60, 0x88), Status.WARN, "gpu-throttled-power"),
        (load("cuda:2", 81), Status.WARN, "gpu-throttled-thermal"),
        (load("cuda:2", wrong=3), Status.FAIL, "gpu-hardware-suspect"),
        (replace(load("cuda:2"), replays=500), Status.WARN, "pcie-link-degraded"),
        (replace(load("cuda:2"), replays=3), Status.INFO, "pcie-link-degraded"),
        (load("cuda:2", reasons=0, last=400.0), Status.WARN, None),
        (load("cuda:2", reasons=0x4, last=500.0), Status.INFO, None),
    ],
)
def test_the_device_that_suffers_is_named(odd, status, cause):
    result = run_check(sustained_load, loaded(odd))
    assert set(named(result, status)) == {"cuda:2"}
    assert cause in [finding.cause for finding in result.findings]


def test_a_single_hot_moment_is_none():
    run = load("cuda:2", reasons=0)
    samples = (replace(run.samples[0], reasons=0x40), *run.samples[1:])
    assert run_check(sustained_load, loaded(replace(run, samples=samples))).status is Status.PASS


def test_the_cpu_may_lose_its_boost():
    run = replace(load("cpu", reasons=0, last=300.0), model=None)
    assert run_check(sustained_load, {"cpu": run}).status is Status.PASS
