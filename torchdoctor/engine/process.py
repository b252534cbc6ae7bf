"""One worker as the parent sees it: its pipes read by threads (so that it works on Windows too), its bounded output, its end."""

from __future__ import annotations

import collections
import json
import os
import queue
import re
import subprocess
import threading
from typing import Any

from torchdoctor.engine import platforms
from torchdoctor.engine.launch import Pipes

KEEP_OUTPUT = 64 * 1024  # bytes of a task's output that are kept: its last part
MAX_STACK_LINES = 400
MAX_ANSWER = 64 * 1024 * 1024  # bytes of one answer; more is a worker gone mad
_STACK_LINE = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<function>.+)$', re.MULTILINE)


class Worker:
    """A started worker. Its messages arrive in ``events`` as (worker, message), with None for the end of its answers."""

    def __init__(self, pipes: Pipes, number: int, events: queue.Queue[tuple[Worker, dict[str, Any] | None]]) -> None:
        self.pipes = pipes
        self.number = number
        self.pid = pipes.pid
        self.can_fork = False
        self.hello: dict[str, Any] = {}
        self.ended = False
        self._events = events
        self._output: collections.deque[bytes] = collections.deque()
        self._kept = 0
        self._stack: list[str] = []
        self._lock = threading.Lock()
        self._drained = threading.Event()
        self._silent = threading.Event()
        threading.Thread(target=self._read_answers, daemon=True).start()
        threading.Thread(target=self._read_output, daemon=True).start()

    def _read_answers(self) -> None:
        pending = bytearray()
        while True:
            try:
                chunk = os.read(self.pipes.answer.fileno(), 65536)
            except (OSError, ValueError):
                chunk = b""
            if not chunk or len(pending) > MAX_ANSWER:
                break
            pending += chunk
            *lines, rest = pending.split(b"\n")
            pending = bytearray(rest)
            for line in lines:
                self._take(bytes(line))
        self._silent.set()
        self._events.put((self, None))

    def _take(self, line: bytes) -> None:
        """One line of the private channel: an answer, or a line of a stack that faulthandler wrote."""
        if line.startswith(b"{"):
            try:
                self._events.put((self, json.loads(line)))
            except ValueError:  # cut off by the death of the worker; the end that follows tells the story
                return
        elif len(self._stack) < MAX_STACK_LINES:
            self._stack.append(line.decode("utf-8", "replace"))

    def _read_output(self) -> None:
        while True:
            try:
                chunk = os.read(self.pipes.output.fileno(), 65536)
            except (OSError, ValueError):
                chunk = b""
            if not chunk:
                break
            with self._lock:
                self._output.append(chunk)
                self._kept += len(chunk)
                while self._kept - len(self._output[0]) >= KEEP_OUTPUT:
                    self._kept -= len(self._output.popleft())
        self._drained.set()

    def forget_output(self) -> None:
        """Start collecting output anew, for the next task."""
        with self._lock:
            self._output.clear()
            self._kept = 0
            self._stack.clear()

    def stack(self) -> str:
        """The stacks of the current task's threads, where it crashed or passed its deadline."""
        return "\n".join(self._stack)

    def output(self, wait: float = 0.0) -> str:
        """What the worker wrote since the last task began; waits up to that many seconds for the pipe to be drained."""
        if wait:
            self._drained.wait(wait)
        with self._lock:
            return b"".join(self._output)[-KEEP_OUTPUT:].decode("utf-8", "replace")

    def wait_for_end(self, seconds: float) -> None:
        """Wait until the worker has closed its answers, at most that long."""
        self._silent.wait(seconds)

    def kill(self) -> None:
        """End the worker and everything it started. A process that does not die is left to the caller's report."""
        self.ended = True
        platforms.kill_tree(self.pid)
        if self.pipes.process is not None:
            try:
                self.pipes.process.wait(1.0)
            except subprocess.TimeoutExpired:
                return

    def exit_status(self, wait: float = 1.0) -> int | None:
        """The exit status of a worker that was started as a process (a forked one is reaped by its warm parent)."""
        if self.pipes.process is None:
            return None
        try:
            return self.pipes.process.wait(wait)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        """Let the worker end by itself, and close our ends of its pipes."""
        self.ended = True
        self.pipes.send({"do": "end"})
        for pipe in (self.pipes.request, self.pipes.socket):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue


def innermost(stack: str) -> str:
    """Where the main thread was, from faulthandler's stacks: "file:line in function", or "".

    faulthandler prints the most recent call first, and the current (main) thread last.
    """
    block = re.split(r"^(?:Current thread|Thread) ", stack, flags=re.MULTILINE)[-1]
    for found in _STACK_LINE.finditer(block):
        if "/torchdoctor/engine/" in found["file"].replace("\\", "/"):
            return ""
        return f"{found['file']}:{found['line']} in {found['function']}"
    return ""
