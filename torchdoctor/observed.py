"""What the facts of a run say about each thing that can be expected (see ``expect.KEYS``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Facts = Mapping[str, Any]


def _part(facts: Facts, name: str) -> Mapping[str, Any]:
    found = facts.get(name)
    return found if isinstance(found, Mapping) else {}


def _accelerators(facts: Facts) -> list[Mapping[str, Any]] | None:
    if "Devices" not in facts:
        return None
    return [d for d in _part(facts, "Devices").get("devices", ()) if d["kind"] != "cpu"]


def _backend(facts: Facts, kind: str) -> bool | None:
    if "Devices" not in facts:
        return None
    return any(b["kind"] == kind and b["available"] and b["count"] for b in _part(facts, "Devices").get("backends", ()))


def _versioned(facts: Facts, kind: str) -> object | None:
    """The CUDA or ROCm version where it works, else False."""
    works, build = _backend(facts, "cuda"), _part(facts, "TorchBuild")
    if works is None or not build:
        return None
    return (build.get(kind) or False) if works else False


def _precision(facts: Facts, name: str) -> bool | None:
    """Whether a dtype was used without an error on every accelerator, or on the CPU where there is none."""
    runs = _part(facts, "DtypeRuns")
    chosen = {d: r for d, r in runs.items() if d != "cpu"} or runs
    if not chosen:
        return None
    return all(run.get(name) and not run[name].get("failure") for run in chosen.values())


def _torch_version(facts: Facts) -> object | None:
    imported = _part(facts, "TorchImport")
    if not imported:
        return None
    return imported.get("version") or False


def _least_memory(facts: Facts) -> object | None:
    devices = _accelerators(facts)
    if devices is None:
        return None
    sizes = [d.get("memory") for d in devices]
    if not sizes:
        return 0
    known = [size for size in sizes if size is not None]
    return min(known) if len(known) == len(sizes) else None


def _world_size(facts: Facts) -> object | None:
    value = _part(_part(facts, "LaunchEnv"), "values").get("WORLD_SIZE", "1")
    return int(value) if str(value).isdigit() else None


def observe(facts: Facts) -> dict[str, object | None]:
    """The observed value of every key that can be expected; None where this run did not read it."""
    devices = _accelerators(facts)
    distributed = _part(facts, "DistributedBuild")
    built = {name: distributed.get(name) if distributed else None for name in ("nccl", "gloo", "mpi", "ucc")}
    resources, disks = _part(facts, "Resources"), _part(facts, "Disks").get("disks")
    driver = _part(facts, "NvidiaDriver")
    return {
        "cuda": _versioned(facts, "cuda"),
        "rocm": _versioned(facts, "hip"),
        "mps": _backend(facts, "mps"),
        "xpu": _backend(facts, "xpu"),
        "gpus": None if devices is None else len(devices),
        **built,
        "bf16": _precision(facts, "bfloat16"),
        "fp16": _precision(facts, "float16"),
        "torch": _torch_version(facts),
        "python": _part(facts, "PythonEnv").get("version"),
        "driver": (driver.get("version") or False) if driver else None,
        "min-memory": _least_memory(facts),
        "min-host-memory": resources.get("memory_limit") or resources.get("memory_total"),
        "min-disk": min((d["free"] for d in disks), default=None) if disks else None,
        "world-size": _world_size(facts) if "LaunchEnv" in facts else None,
    }


SOURCES = {
    "cuda": "torch",
    "rocm": "torch",
    "mps": "torch",
    "xpu": "torch",
    "gpus": "torch",
    "nccl": "torch.distributed",
    "gloo": "torch.distributed",
    "mpi": "torch.distributed",
    "ucc": "torch.distributed",
    "bf16": "torch",
    "fp16": "torch",
    "torch": "torch",
    "python": "the patient's interpreter",
    "driver": "nvml",
    "min-memory": "torch",
    "min-host-memory": "psutil",
    "min-disk": "file system",
    "world-size": "env",
}
