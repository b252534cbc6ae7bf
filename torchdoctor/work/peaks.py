"""What models of GPUs reach at best, from ``data/gpu_peaks.tsv``. Standard library only: this runs in the doctor's process."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

FLOOR = 0.75
"""Share of a good measurement that must be reached (the margin that NVIDIA's DCGM leaves to its targets)."""

MEMORY_FLOOR = 0.55
"""Share of the data sheet's memory bandwidth: NVIDIA's DCGM asks for 1905 of 3350 GB/s from an H100 SXM (57 %)."""

TABLE = Path(__file__).parent.parent / "data" / "gpu_peaks.tsv"


@dataclass(frozen=True)
class Peak:
    """One row. Speeds in TFLOP/s without sparsity and GB/s; None where the source says nothing, or nothing to rely on.

    measured_bfloat16: what a search over shapes reached, which a healthy card must come near to. host: GB/s from and to the host below
    which a cloud provider takes such a card out of use. judged: False where figures are shown but never judged.
    """

    model: str
    names: tuple[str, ...]
    figures: dict[str, float]
    measured_bfloat16: Optional[float]
    memory: Optional[float]
    host: Optional[float]
    judged: bool
    source: str
    date: str


def _number(text: str) -> Optional[float]:
    return float(text) if text else None


@functools.lru_cache(maxsize=1)
def table() -> tuple[Peak, ...]:
    """All rows."""
    rows = []
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            figures = {dtype: float(row[dtype]) for dtype in ("float32", "tf32", "bfloat16", "float16") if row[dtype]}
            rows.append(
                Peak(
                    row["model"],
                    tuple(row["names"].split("|")),
                    figures,
                    _number(row["measured_bfloat16"]),
                    _number(row["memory"]),
                    _number(row["host"]),
                    row["judged"] == "yes",
                    row["source"],
                    row["date"],
                )
            )
    return tuple(rows)


def peak_of(model: Optional[str]) -> Optional[Peak]:
    """The row of a model as torch names it, or None: an unknown model is not guessed at. A MIG slice is no whole card."""
    if not model or " MIG " in model:
        return None
    return next((row for row in table() if model in row.names), None)
