"""Take on workers: start them, fork warm ones, learn how they ended. All of them report to one queue."""

from __future__ import annotations

import queue
import sys
import time
from typing import Any

from torchdoctor.engine import launch, platforms
from torchdoctor.engine.process import Worker


class Staff:
    """Every worker of a run by its number, and the queue of (worker, message) that they all write to."""

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[Worker, dict[str, Any] | None]] = queue.Queue()
        self.workers: dict[int, Worker] = {}

    def adopt(self, pipes: launch.Pipes) -> Worker:
        """A worker for pipes that are connected already."""
        worker = Worker(pipes, len(self.workers) + 1, self.events)
        self.workers[worker.number] = worker
        return worker

    def start(self, executable: str, lane: str) -> Worker:
        """A fresh process for a lane: the doctor's interpreter for the host lane, else the patient's.

        Raises OSError where the interpreter cannot be started.
        """
        if lane == "host":
            return self.adopt(launch.start(sys.executable, own_path=False, can_fork=False))
        can_fork = lane == "warm" and platforms.forks_warm_workers(sys.platform)
        return self.adopt(launch.start(executable, own_path=True, can_fork=can_fork))

    def fork(self, warm: Worker | None) -> Worker | None:
        """A fork of the warm worker, whose process id follows in a message (``forked``); None where there can be none."""
        if warm is None or warm.ended or not warm.can_fork:
            return None
        pipes = launch.ask_to_fork(warm.pipes, len(self.workers) + 1)
        return None if pipes is None else self.adopt(pipes)

    def forked(self, message: dict[str, Any]) -> Worker:
        """The worker that the warm one tells of, now with its process id."""
        worker = self.workers[message["worker"]]
        worker.pid = worker.pipes.pid = message["pid"]
        return worker

    def exit_status(self, worker: Worker, warm: Worker | None) -> int | None:
        """The exit status of a worker that is ending; a forked one is asked for at the warm worker, its parent."""
        if worker.pipes.process is not None:
            return worker.exit_status()
        if warm is None or not warm.pipes.send({"do": "reap", "pid": worker.pid}):
            return None
        limit = time.monotonic() + 1.5
        others = []
        status: int | None = None
        while time.monotonic() < limit:
            try:
                sender, message = self.events.get(timeout=max(0.0, limit - time.monotonic()))
            except queue.Empty:
                break
            if sender is warm and message is not None and message.get("type") == "reaped" and message["pid"] == worker.pid:
                status = message["status"]
                break
            others.append((sender, message))
        for event in others:
            self.events.put(event)
        return status
