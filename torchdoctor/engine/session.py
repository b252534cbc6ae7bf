"""The tasks of one lane, and the worker that is at them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from torchdoctor.declare import Probe
from torchdoctor.engine.process import Worker


@dataclass
class Task:
    """One probe for one subject, and how often it was tried. A warm-up only imports torch in a fresh process."""

    probe: Probe
    subject: str | None = None
    tries: int = 0
    warm_up: bool = False
    first_death: str = ""


@dataclass
class Session:
    """The tasks of one lane and the worker that is at them."""

    lane: str
    tasks: deque[Task] = field(default_factory=deque)
    again: deque[Task] = field(default_factory=deque)  # crashed once; each gets a worker of its own in the end
    worker: Worker | None = None
    current: Task | None = None
    started: float = 0.0
    deadline: float = 0.0
    open: bool = True
    ran: int = 0  # tasks this worker has answered
    awaiting: bool = False  # a fork was asked for, its process id is not known yet
