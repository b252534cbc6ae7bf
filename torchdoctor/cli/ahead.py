"""Begin what takes longest, before anything else is loaded: the patient's ``import torch``."""

from __future__ import annotations

import os
import sys

from torchdoctor.engine import launch, patient


def choose(python: str | None) -> patient.Chosen:
    """The interpreter to examine. Raises NoInterpreter."""
    return patient.choose(python, os.environ, sys.executable, sys.prefix, sys.platform)


def start(chosen: patient.Chosen) -> launch.Pipes | None:
    """A worker that is importing torch, or None where it cannot be started: the supervisor tries again and says why."""
    try:
        return launch.start_importing(chosen.executable)
    except OSError:
        return None


def stop(warm: launch.Pipes | None) -> None:
    """End that worker if it still runs."""
    if warm is not None and warm.process is not None and warm.process.poll() is None:
        warm.process.kill()
        warm.process.wait()
