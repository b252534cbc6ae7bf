"""The parts of the measuring work that need no device: the stopwatch, who uses a GPU, NVML beside the work, the table, the report."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from torchdoctor.report import performance_text
from torchdoctor.report.terminal import Terminal
from torchdoctor.work import peaks
from torchdoctor.work.spread import Measured, figure, slow

torch = pytest.importorskip("torch")

from torchdoctor.probes import performance  # noqa: E402
from torchdoctor.work import busy, correctness, memory_pattern, nvml_watch, sustained, timing  # noqa: E402

# ------------------------------------------------------------------------------------------------ time


class Clock:
    """A clock that each call moves by a step, or that a work moves by itself."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_stopwatch_counts_calls():
    clock = Clock()
    calls = []

    def work() -> None:
        calls.append(1)
        clock.now += 0.01

    timed = timing.Stopwatch("cpu", clock).measure(work, budget=1.0)
    assert (timed.rounds, timed.best) == (5, pytest.approx(0.01))
    assert len(calls) == 2 + 5 * 20  # one to warm up, one to see how long it takes, twenty in each fifth of the budget


def test_the_stopwatch_loses_patience():
    clock = Clock()

    def work() -> None:
        clock.now += 100.0

    assert timing.Stopwatch("cpu", clock).measure(work, budget=1.0).rounds == 1


def test_the_best_and_the_usual_round_differ_where_it_is_unsteady():
    one = Measured("x", best=100.0, typical=80.0)
    assert one.unsteady == pytest.approx(0.2)
    assert list(slow({"a:0": one, "a:1": Measured("x", 190.0)})) == []  # three times 20 % is too blind to say anything
    assert [s.device for s in slow({"a:0": Measured("x", 100.0), "a:1": Measured("x", 190.0)})] == ["a:0"]


@pytest.mark.parametrize(
    ("value", "text"), [(0.09771, "0.0977"), (1.234, "1.23"), (9.9999, "10.0"), (45.67, "45.7"), (789.1, "789"), (1979.0, "1979")]
)
def test_figures(value, text):
    assert figure(value) == text


# ------------------------------------------------------------------------------------------------ others on the GPU


class Nvml:
    """As much of pynvml as is asked."""

    class NVMLError(Exception):
        value = 3

    def __init__(
        self, compute: tuple[int, ...] = (), graphics: tuple[int, ...] = (), loads: tuple[int, ...] = (0,), **answers: Any
    ) -> None:
        self.compute, self.graphics, self.loads, self.answers = compute, graphics, list(loads), answers

    def nvmlDeviceGetComputeRunningProcesses(self, _handle: Any) -> list[Any]:
        return [SimpleNamespace(pid=pid, usedGpuMemory=2**30) for pid in self.compute]

    def nvmlDeviceGetGraphicsRunningProcesses(self, _handle: Any) -> list[Any]:
        return [SimpleNamespace(pid=pid, usedGpuMemory=2**30) for pid in self.graphics]

    def nvmlDeviceGetUtilizationRates(self, _handle: Any) -> Any:
        return SimpleNamespace(gpu=self.loads.pop(0) if len(self.loads) > 1 else self.loads[0])

    def __getattr__(self, name: str) -> Any:
        if name.removeprefix("nvmlDeviceGet") in self.answers:
            return lambda *_: self.answers[name.removeprefix("nvmlDeviceGet")]
        raise AttributeError(name)


NOBODY = 2**22 + 5  # above the largest process id


@pytest.mark.parametrize(
    ("nvml", "hidden", "words"),
    [
        (Nvml(), False, ""),
        (Nvml((os.getpid(),)), False, ""),
        (Nvml((NOBODY,)), False, "the GPU is in use by 1 process (--busy-ok"),
        (Nvml((NOBODY, NOBODY + 1)), False, "the GPU is in use by 2 processes (--busy-ok"),
        (Nvml((NOBODY,), graphics=(NOBODY,)), False, ""),  # a desktop's
        (Nvml((NOBODY,)), True, ""),  # its number means nothing here
        (Nvml(loads=(97, 80, 3)), False, ""),  # what this process did before fades
        (Nvml(loads=(97,)), True, "the GPU is 97 % busy"),
    ],
)
def test_who_uses_a_gpu(nvml, hidden, words):
    waits: list[float] = []
    assert busy.why_busy("sim:0", nvml, "handle", hidden, waits.append).startswith(words)
    assert bool(busy.why_busy("sim:0", nvml, "handle", hidden, waits.append)) is bool(words)


def test_the_cpu_is_never_busy():
    assert busy.why_busy("cpu", Nvml((NOBODY,)), "handle", False) == ""


def test_sisters_and_their_children_are_ours():
    tree = {30: 20, 20: 7, 40: 9}
    assert busy.is_ours(30, 7, tree.get) and busy.is_ours(20, 7, tree.get)
    assert not busy.is_ours(40, 7, tree.get) and not busy.is_ours(50, 7, tree.get)


def test_a_busy_gpu_is_not_measured(monkeypatch):
    monkeypatch.setattr(nvml_watch.Watch, "busy", lambda self: "the GPU is in use by 1 process (--busy-ok runs it all the same)")
    assert "in use" in performance.sustained_run.function("cpu").not_run
    assert set(performance.sustained_run.options) == {"busy_ok", "pynvml"}
    assert performance.memory_pattern_run.function("cpu", busy_ok=True).not_run == ""


# ------------------------------------------------------------------------------------------------ NVML beside the work


def test_samples_of_nvml():
    nvml = Nvml(
        Temperature=71,
        ClockInfo=1410,
        PowerUsage=395_000,
        CurrentClocksThrottleReasons=4,
        MaxClockInfo=1980,
        TemperatureThreshold=87,
        EnforcedPowerLimit=700_000,
        PcieReplayCounter=5,
    )
    watch = nvml_watch.Watch("cuda:0", nvml, "handle")
    assert watch.sample() == {"clock_sm": 1410, "temperature": 71, "memory_temperature": None, "power": 395.0, "reasons": 4}
    assert watch.limits() == {"watched": "nvml", "clock_sm_max": 1980, "temperature_slowdown": 87, "power_limit": 700.0}
    run = sustained.run_sustained("cpu", watch, seconds=0.01)
    assert run.failure is None and run.replays == 0 and run.wrong == 0
    assert {sample.temperature for sample in run.samples} == {71}


def test_nothing_is_watched_without_nvml():
    watch = nvml_watch.Watch.of("cpu")
    assert watch.sample() == {} and watch.replays() is None and "NVIDIA" in watch.limits()["watched"]


def test_a_gpu_is_found_by_its_id_its_place_or_as_the_only_one():
    def unknown(*_: object) -> None:
        raise Nvml.NVMLError

    by_id = SimpleNamespace(nvmlDeviceGetHandleByUUID=lambda name: name if name == "GPU-ab" else unknown())
    assert nvml_watch.find(by_id, SimpleNamespace(uuid="ab")) == "GPU-ab"
    by_place = SimpleNamespace(nvmlDeviceGetHandleByUUID=unknown, nvmlDeviceGetHandleByPciBusId=lambda place: place)
    assert nvml_watch.find(by_place, SimpleNamespace(uuid="ab", pci_bus_id=0x3B, pci_device_id=0, pci_domain_id=0)) == "00000000:3B:00.0"
    several = SimpleNamespace(nvmlDeviceGetCount=lambda: 2)
    assert nvml_watch.find(several, SimpleNamespace()) is None


# ------------------------------------------------------------------------------------------------ work


def test_patterns_end_with_their_budget():
    clock = Clock()
    times = iter(range(0, 1000, 10))
    run = memory_pattern.run_memory_pattern("cpu", lambda: next(times), budget=25)
    assert run.failure is None and clock.now == 0
    assert 1 <= len(run.patterns) < 6 and "25 s were over" in run.bounded


def test_the_memory_of_the_host_is_not_exhausted():
    assert memory_pattern.how_much("cpu", None)[0] <= 2**26
    assert memory_pattern.how_much("cuda:0", 80 * 2**30)[0] > 70 * 2**30


def test_an_error_that_spoils_the_process_ends_the_work(monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch, "bmm", broken)
    run = correctness.run_correctness("cpu")
    assert run.failure is not None and run.failed_step.startswith("bmm")
    assert not timing.poisons(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"))


def test_equal_results_have_equal_fingerprints():
    one = torch.arange(12.0).reshape(3, 4)
    assert correctness.fingerprint(one) == correctness.fingerprint(one.clone())
    assert correctness.fingerprint(one) != correctness.fingerprint(one + 1e-6)
    assert correctness.fingerprint(one.t()) == correctness.fingerprint(one.t().contiguous())


# ------------------------------------------------------------------------------------------------ table and report


def test_the_table():
    rows = peaks.table()
    assert all(row.source and row.date and row.names for row in rows)
    names = [name for row in rows for name in row.names]
    assert len(names) == len(set(names))
    assert all(row.measured_bfloat16 is None or row.measured_bfloat16 < row.figures["bfloat16"] for row in rows)
    assert not any(row.judged for row in rows if "RTX" in row.model)
    assert peaks.peak_of("NVIDIA H100 80GB HBM3") is not None and peaks.peak_of("NVIDIA H900") is None


def fact(device: str, speed: float) -> dict[str, Any]:
    return {"device": device, "rates": [{"name": "matmul", "variant": "bfloat16", "unit": "TFLOP/s", "best": speed}]}


FACTS = {
    "ThroughputRun": {"cpu": fact("cpu", 0.1), "cuda:0": fact("cuda:0", 700.0), "cuda:1": fact("cuda:1", 350.0)},
    "PeerRun": {"cuda:0": {"peers": [{"target": "cuda:1", "rate": {"best": 391.2}}]}},
    "SustainedRun": {"cuda:0": {"samples": [{"tflops": 600.0, "temperature": 64, "power": 690.0, "clock_sm": 1700}]}},
}


def test_the_report_shows_tables_and_bars():
    lines = performance_text.lines(FACTS, Terminal())
    assert lines[0] == "Measured"
    assert any(line.split() == ["cuda:0", "700"] for line in lines)
    assert any(line.split() == ["cuda:0", "391"] for line in lines)
    assert any(line.split() == ["cuda:0", "600", "64.0", "690", "1700"] for line in lines)
    bars = {line.split()[0]: line.count("█") for line in lines if "█" in line}
    assert bars["cuda:0"] == 2 * bars["cuda:1"] and "cpu" not in bars


def test_the_share_of_the_peak_is_shown_where_it_is_known():
    known = {**fact("cuda:0", 700.0), "model": "NVIDIA H100 80GB HBM3"}
    lines = performance_text.lines({"ThroughputRun": {"cuda:0": known, "cuda:1": {**fact("cuda:1", 9.0), "model": "a card"}}}, Terminal())
    assert [line.split() for line in lines if line.startswith("  cuda")][:2] == [["cuda:0", "700", "70.8"], ["cuda:1", "9.00", "-"]]


def test_the_report_in_plain_characters_and_its_width():
    lines = performance_text.lines(FACTS, Terminal(60, encoding="ascii"))
    assert any("####" in line for line in lines) and all(line.isascii() and len(line) <= 60 for line in lines)


def test_nothing_measured_nothing_shown():
    assert performance_text.lines({}, Terminal()) == []
    assert performance_text.lines({"ThroughputRun": {"cuda:0": {"rates": [], "not_run": "busy"}}}, Terminal()) == []
