"""How fast, how right and how steady each device works (``--full``). What is done is in ``torchdoctor/work/``.

A GPU that others use is left alone unless ``busy_ok``. ``pynvml`` is the file of the doctor's NVML binding, for a patient that has none.
"""

from __future__ import annotations

from typing import Any, Callable, Optional, TypeVar

from torchdoctor.declare import probe
from torchdoctor.facts import AttentionRun, CorrectnessRun, Devices, MemoryPatternRun, PeerRun, SustainedRun, ThroughputRun

Run = TypeVar("Run")


def _unless_busy(kind: Callable[..., Run], device: str, busy_ok: bool, pynvml: Optional[str], work: Callable[[Any], Run]) -> Run:
    """The work's result, or the reason why it was not done. ``work`` gets the watch over the device."""
    from torchdoctor.work.nvml_watch import Watch
    from torchdoctor.work.timing import model_of

    watch = Watch.of(device, pynvml)
    why = "" if busy_ok else watch.busy()
    return kind(device, model=model_of(device), not_run=why) if why else work(watch)


@probe(lane="device", timeout=180, each=Devices, full=True)
def throughput_run(device: str, *, busy_ok: bool = False, pynvml: Optional[str] = None) -> ThroughputRun:
    """Products in every dtype, memory bandwidth and transfers, about 10 s on a GPU."""
    from torchdoctor.work.throughput import run_throughput

    return _unless_busy(ThroughputRun, device, busy_ok, pynvml, lambda _: run_throughput(device))


@probe(lane="device", timeout=180, each=Devices, full=True)
def peer_run(device: str, *, busy_ok: bool = False, pynvml: Optional[str] = None) -> PeerRun:
    """Copies to each other device of the kind, about 1 s a pair."""
    from torchdoctor.work.throughput import run_peers

    return _unless_busy(PeerRun, device, busy_ok, pynvml, lambda _: run_peers(device))


@probe(lane="device", timeout=240, each=Devices, full=True)
def correctness_run(device: str, *, busy_ok: bool = False, pynvml: Optional[str] = None) -> CorrectnessRun:
    """Repeated computations in several shapes and dtypes, about 20 s on a GPU."""
    from torchdoctor.work.correctness import run_correctness

    return _unless_busy(CorrectnessRun, device, busy_ok, pynvml, lambda _: run_correctness(device))


@probe(lane="device", timeout=180, each=Devices, full=True)
def memory_pattern_run(device: str, *, busy_ok: bool = False, pynvml: Optional[str] = None) -> MemoryPatternRun:
    """Patterns over nearly all of the free memory, at most 60 s."""
    from torchdoctor.work.memory_pattern import run_memory_pattern

    return _unless_busy(MemoryPatternRun, device, busy_ok, pynvml, lambda _: run_memory_pattern(device))


@probe(lane="device", timeout=180, each=Devices, full=True)
def attention_run(device: str, *, busy_ok: bool = False, pynvml: Optional[str] = None) -> AttentionRun:
    """The implementations of attention one by one, a few seconds."""
    from torchdoctor.work.attention_backends import run_attention

    return _unless_busy(AttentionRun, device, busy_ok, pynvml, lambda _: run_attention(device))


@probe(lane="device", timeout=120, each=Devices, full=True)
def sustained_run(device: str, *, busy_ok: bool = False, pynvml: Optional[str] = None) -> SustainedRun:
    """Products for 10 s on a GPU, watched through NVML."""
    from torchdoctor.work.sustained import run_sustained

    return _unless_busy(SustainedRun, device, busy_ok, pynvml, lambda watch: run_sustained(device, watch))
