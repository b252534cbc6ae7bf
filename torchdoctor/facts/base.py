"""What facts of every area are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """An exception of the patient's own torch, as data: ``type`` is the class name, ``traceback`` the whole text."""

    type: str
    message: str
    traceback: str = ""
