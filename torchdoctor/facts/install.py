"""Facts about the patient's installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from torchdoctor.facts.base import Failure


@dataclass(frozen=True)
class TorchImport:
    """How ``import torch`` went: version and file where it worked, the error where it raised, seconds, warnings it gave."""

    version: Optional[str]
    file: Optional[str]
    seconds: float
    failure: Optional[Failure] = None
    warnings: tuple[str, ...] = ()
