"""The real work, on every device that torch sees, the CPU among them. What is done is in ``torchdoctor/work/``."""

from __future__ import annotations

from torchdoctor.declare import probe
from torchdoctor.facts import Devices, LlamaLong, LlamaRun, MixedTraining, PlacementRun, TrainingFullRun, TrainingRun, TransformersRun


@probe(lane="device", timeout=60, each=Devices, quick=False)
def placement_run(device: str) -> PlacementRun:
    """Modules, values and generators sent to the device, and devices mixed on purpose."""
    from torchdoctor.work.placement import run_placement

    return run_placement(device)


@probe(lane="device", timeout=120, each=Devices, quick=False)
def training_run(device: str) -> TrainingRun:
    """A few steps of mini-batch SGD in float32, twice."""
    from torchdoctor.work.training import run_training

    return run_training(device, "fp32")


@probe(lane="device", timeout=120, each=Devices, quick=False)
def mixed_training(device: str) -> MixedTraining:
    """The same under autocast."""
    from torchdoctor.work.training import run_training

    return MixedTraining(device, run_training(device, "bf16"), run_training(device, "fp16"))


@probe(lane="device", timeout=120, each=Devices, quick=False)
def llama_run(device: str) -> LlamaRun:
    """A small Llama: forward, prefill, decode, sampling."""
    from torchdoctor.work.llama_run import run_llama

    return run_llama(device, "float32")


@probe(lane="device", timeout=600, each=Devices, full=True)
def training_full_run(device: str) -> TrainingFullRun:
    """Optimizers, accumulation, checkpointing, clipping, torch.compile."""
    from torchdoctor.work.training_full import run_training_full

    return run_training_full(device)


@probe(lane="device", timeout=300, each=Devices, full=True)
def llama_long(device: str) -> LlamaLong:
    """A larger Llama in float32, bfloat16 and float16."""
    from torchdoctor.work.llama_run import run_llama

    return LlamaLong(device, *(run_llama(device, dtype, full=True) for dtype in ("float32", "bfloat16", "float16")))


@probe(lane="device", timeout=300, each=Devices, full=True)
def transformers_run(device: str) -> TransformersRun:
    """The same Llama through transformers, where the patient has it."""
    from torchdoctor.work.transformers_run import run_transformers

    return run_transformers(device)
