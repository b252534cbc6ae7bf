"""Processes in which ``import torch`` finds a simulated accelerator, ``sim:0`` and on, healthy or sick.

The accelerator itself is ``plugin/simulated_accelerator.py``; it comes in as a vendor's backend does, through
the entry point that ``import torch`` looks for, so the examined interpreter needs no preparation.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
from pathlib import Path
from typing import Any

PLUGIN = Path(__file__).parent / "plugin"
NEEDS = (2, 10)  # the torch that can register a device in Python


def environment(*faults: dict[str, Any], devices: int = 1) -> dict[str, str]:
    """This process's environment with a simulated accelerator, and the faults planted in it.

    A fault is a mapping such as ``{"kind": "wrong-product", "device": 1, "every": 7}``; see ``Fault`` in the plugin.
    """
    path = os.pathsep.join(filter(None, [str(PLUGIN), os.environ.get("PYTHONPATH", "")]))
    plan = json.dumps({"devices": devices, "faults": list(faults)})
    return {**os.environ, "PYTHONPATH": path, "TORCHDOCTOR_SIMULATED": plan, "OMP_NUM_THREADS": "1"}


@functools.cache
def why_not() -> str:
    """Why there can be no simulated accelerator here, or an empty string."""
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return "torch is not installed"
    numbers = tuple(int(part) for part in version.split("+")[0].split(".")[:2])
    return "" if numbers >= NEEDS else f"torch {version} cannot register a device in Python (2.10 and newer can)"
