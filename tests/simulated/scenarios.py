"""Runs the work on simulated accelerators, one plan after another, and prints what was measured as JSON lines.

Started by ``test_accelerator.py`` in a process of its own: a device type can be registered only once, and stays.
Each argument is a JSON object ``{"name", "run", "device", "mode", "faults"}``.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

PERFORMANCE = {
    "throughput": ("throughput", "run_throughput"),
    "peers": ("throughput", "run_peers"),
    "correctness": ("correctness", "run_correctness"),
    "memory": ("memory_pattern", "run_memory_pattern"),
    "attention": ("attention_backends", "run_attention"),
    "sustained": ("sustained", "run_sustained"),
}


def own_time(device: str) -> Callable[[], float]:
    """The clock of a simulated device: a sustained run then does the same on every machine."""
    from simulated_accelerator import CLOCK

    return lambda: CLOCK.seconds.get(int(device.partition(":")[2]), 0.0)


def measure(run: str, device: str, mode: str) -> Any:
    """One run of the work; the imports are late, as the plans come first."""
    from torchdoctor.work import dtypes, llama_run, placement, training

    if run in PERFORMANCE:
        module, function = PERFORMANCE[run]
        work = getattr(importlib.import_module(f"torchdoctor.work.{module}"), function)
        return work(device, seconds=0.6, clock=own_time(device)) if run == "sustained" else work(device)
    if run == "llama":
        return llama_run.run_llama(device, mode or "float32")
    if run == "training":
        return training.run_training(device, mode or "fp32")
    if run == "placement":
        return placement.run_placement(device)
    return dtypes.probe_dtype(device, mode)


def main() -> None:
    import torch  # noqa: F401  activates the accelerator
    from simulated_accelerator import PLAN, Fault

    from torchdoctor.codec import to_json

    for argument in sys.argv[1:]:
        scenario = json.loads(argument)
        PLAN.faults = [Fault(**fault) for fault in scenario.get("faults", [])]
        result = measure(scenario["run"], scenario.get("device", "sim:0"), scenario.get("mode", ""))
        print(json.dumps({"name": scenario["name"], "result": to_json(result)}), flush=True)


if __name__ == "__main__":
    main()
