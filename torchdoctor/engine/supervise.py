"""Run all planned probes in workers, keep their deadlines, and lose nothing when one of them dies.

One session a lane, all at the same time: *host* (the doctor's interpreter), *patient* (the patient's interpreter without torch),
and, once torch is imported in a warm process that does nothing else, *torch*, *device* and *group*: forks of the warm
process on Linux, fresh processes that import torch again where there is no safe fork.

A probe that dies by a crash is tried once more, alone, so that the blame is right; one that hangs is not, so that the run ends within
the sum of the deadlines.
"""

from __future__ import annotations

import queue
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from torchdoctor.declare import Probe
from torchdoctor.engine import launch, platforms
from torchdoctor.engine.memory import MemoryWatch
from torchdoctor.engine.outcome import Outcome, Outcomes, State
from torchdoctor.engine.process import Worker, innermost
from torchdoctor.engine.session import Session, Task
from torchdoctor.engine.staff import Staff

GRACE = 0.25  # seconds between a deadline, when the worker writes its stack, and its end
POLL = 0.1  # seconds between looks at the workers' memory
TORCH_LANES = ("torch", "device", "group")


class Supervisor:
    """Runs the probes of a plan. ``notify`` is told the probe and subject that begin, for progress on a terminal."""

    def __init__(
        self,
        executable: str,
        probes: list[Probe],
        opener: Probe,
        deadlines: Mapping[str, float] | None = None,
        deadline: float | None = None,
        notify: Callable[[str, str | None], None] | None = None,
        warm: launch.Pipes | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.executable = executable
        self.opener = opener
        self.deadlines = dict(deadlines or {})
        self.options = dict(options or {})
        self.notify = notify or (lambda _probe, _subject: None)
        self.outcomes = Outcomes()
        self.staff = Staff()
        self.begin = time.monotonic()
        self.end = self.begin + deadline if deadline else None
        self.deadline = deadline
        self.torch_open: bool | None = None  # None until the import has been tried
        self.expandable = [p for p in probes if p.each is not None]
        self.sessions = {lane: Session(lane) for lane in ("host", "patient", "warm", *TORCH_LANES)}  # torch lanes may share one
        for probe in probes:
            if probe.each is None and probe is not opener:
                self.sessions[probe.lane].tasks.append(Task(probe))
        if any(p.lane in TORCH_LANES for p in probes):
            self.sessions["warm"].tasks.append(Task(opener))
            if warm is not None:
                self._adopt_importing(warm)
        for lane in TORCH_LANES:
            self.sessions[lane].open = False
        self.memory = MemoryWatch()

    # ------------------------------------------------------------------------------------------------
    # the loop

    def run(self) -> Outcomes:
        """Run everything; returns what is known also when interrupted."""
        platforms.adopt_orphans(sys.platform)
        spared = platforms.children() - {w.pid for w in self.staff.workers.values()}
        try:
            self._loop()
        except KeyboardInterrupt:
            self.outcomes.interrupted = True
            self._abandon("interrupted")
        finally:
            for worker in self.staff.workers.values():
                worker.close()
            for name in platforms.end_leftovers(spared, [w.pid for w in self.staff.workers.values()]):
                self.outcomes.notes.append(f"ended a process that a probe left behind: {name}")
            for worker in self.staff.workers.values():
                worker.exit_status()
        return self.outcomes

    def _loop(self) -> None:
        next_look = time.monotonic() + POLL
        for session in self.sessions.values():
            self._advance(session)
        while self._busy():
            now = time.monotonic()
            waits = [s.deadline for s in self.sessions.values() if s.current]
            wake = min([*waits, next_look, *([self.end] if self.end else [])])
            try:
                worker, message = self.staff.events.get(timeout=max(0.0, wake - now))
            except queue.Empty:
                worker, message = None, None
            if worker is not None:
                self._handle(worker, message)
            now = time.monotonic()
            for session in self.sessions.values():
                if session.current and now >= session.deadline:
                    self._time_out(session)
            if now >= next_look:
                self._watch_memory()
                next_look = now + POLL
            if self.end and now >= self.end:
                self._abandon(f"the run's deadline of {self.deadline:g} s was over")
                return

    def _busy(self) -> bool:
        return any(s.current or s.awaiting or (s.open and (s.tasks or s.again)) for s in self.sessions.values())

    def _session_of(self, worker: Worker) -> Session | None:
        return next((s for s in self.sessions.values() if s.worker is worker), None)

    def _handle(self, worker: Worker, message: dict[str, Any] | None) -> None:
        session = self._session_of(worker)
        if message is None:
            if session is not None and not worker.ended:
                self._died(session, worker)
        elif message["type"] == "hello":
            worker.hello = message
            if session is not None and session.lane in ("patient", "warm"):
                self.outcomes.patient = {"python": message["python"], "executable": message["executable"]}
        elif message["type"] == "forked":
            self._forked(message)
        elif message["type"] == "answer" and session is not None and session.current:
            self._answered(session, worker, message)

    # ------------------------------------------------------------------------------------------------
    # starting

    def _adopt_importing(self, pipes: launch.Pipes) -> None:
        """Take over a worker that was started ahead and is importing torch already."""
        session = self.sessions["warm"]
        session.worker = self.staff.adopt(pipes)
        session.current = session.tasks.popleft()
        session.current.tries = 1
        session.started = self.begin
        session.deadline = self.begin + self.deadlines.get(self.opener.name, self.opener.timeout) + GRACE

    def _start_worker(self, session: Session) -> bool:
        """Give the session a worker; False while it has to wait for one, or has none to get."""
        if session.lane in TORCH_LANES:
            session.worker = self.staff.fork(self.sessions["warm"].worker)
            if session.worker is not None:
                session.awaiting = True
                return False
        try:
            session.worker = self.staff.start(self.executable, session.lane)
        except OSError as error:
            for task in (*session.tasks, *session.again):
                self._record(task, "not-run", f"{self.executable} could not be started: {error}")
            session.tasks.clear()
            session.again.clear()
            return False
        if session.lane in TORCH_LANES:
            session.tasks.appendleft(Task(self.opener, warm_up=True))
        return True

    def _forked(self, message: dict[str, Any]) -> None:
        worker = self.staff.forked(message)
        session = self._session_of(worker)
        if session is not None:
            session.awaiting = False
            self._advance(session)

    def _advance(self, session: Session) -> None:
        """Begin the session's next task, if there is one and it may begin."""
        if session.current or session.awaiting or not session.open:
            return
        if not session.tasks and session.again:
            self._retire(session)
            session.tasks.append(session.again.popleft())
        if not session.tasks:
            if session.lane != "warm" and session.worker is not None:
                self._retire(session)
            return
        if session.worker is None and not self._start_worker(session):
            return
        worker = session.worker
        assert worker is not None
        task = session.tasks.popleft()
        task.tries += 1
        session.current = task
        session.started = time.monotonic()
        timeout = self.deadlines.get(task.probe.name, task.probe.timeout)
        session.deadline = session.started + timeout + GRACE
        worker.forget_output()
        if not task.warm_up:
            self.notify(task.probe.name, task.subject)
        worker.pipes.send(
            {
                "do": "run",
                "task": id(task),
                "probe": task.probe.name,
                "module": task.probe.module,
                "file": task.probe.file,
                "subject": task.subject,
                "timeout": timeout,
                "options": {name: self.options[name] for name in task.probe.options if name in self.options},
            }
        )

    # ------------------------------------------------------------------------------------------------
    # ending

    def _answered(self, session: Session, worker: Worker, message: dict[str, Any]) -> None:
        task = session.current
        assert task is not None
        session.current = None
        session.ran += 1
        if message["state"] == "failed" and task.tries == 1 and session.ran > 1:
            task.first_death = message["traceback"].strip().splitlines()[-1]
            session.again.append(task)
        elif message["state"] == "ok":
            note = f"the first try failed ({task.first_death}); alone it worked" if task.first_death else ""
            self._record(task, "ok", fact=message["fact"], seconds=message["seconds"], note=note, output=worker.output())
        else:
            last = message["traceback"].strip().splitlines()[-1]
            self._record(task, "failed", last, seconds=message["seconds"], output=message["traceback"])
        failed = message["state"] != "ok" or bool(isinstance(message["fact"], dict) and message["fact"].get("failure"))
        if task.probe is self.opener:
            worker.can_fork = bool(message.get("fork"))
            self._torch_imported(session, not failed)
        elif failed and session.lane in TORCH_LANES:
            self._retire(session)  # an error on a device poisons its process
        self._advance(session)

    def _torch_imported(self, session: Session, worked: bool) -> None:
        """Open the lanes that need torch, or close them for good."""
        if session.lane != "warm":  # a warm-up in a fresh process
            if not worked:
                self._close(session, "torch could not be imported again in a fresh process")
            return
        self.torch_open = worked
        if worked and session.worker is not None and not session.worker.can_fork:
            self._share(session)
        for other in {id(self.sessions[lane]): self.sessions[lane] for lane in TORCH_LANES}.values():
            other.open = True
            if worked:
                self._advance(other)
            else:
                self._close(other, "torch could not be imported")
        if not worked:
            self.expandable = []

    def _share(self, warm: Session) -> None:
        """Where there is no safe fork, all lanes that need torch go on in the process that has imported it."""
        shared = self.sessions["device"]
        shared.tasks = deque(task for lane in TORCH_LANES for task in self.sessions[lane].tasks)
        shared.worker, warm.worker = warm.worker, None
        for lane in TORCH_LANES:
            self.sessions[lane] = shared

    def _close(self, session: Session, why: str) -> None:
        for task in (*session.tasks, *session.again):
            if not task.warm_up:
                self._record(task, "not-run", why)
        session.tasks.clear()
        session.again.clear()

    def _died(self, session: Session, worker: Worker) -> None:
        """The worker's answers ended while it should have gone on."""
        status = self.staff.exit_status(worker, self.sessions["warm"].worker)
        why = platforms.describe_exit(status)
        output = worker.output(wait=0.3)
        worker.kill()
        task = session.current
        session.worker, session.current, session.awaiting = None, None, False
        if task is None:
            if not worker.hello and session.tasks:  # it never came up: an interpreter that cannot run our worker
                self._close(session, f"the worker of this lane could not start ({why}): {output.strip()[-300:]}")
                self._after_warm_death(session)
            self._advance(session)
            return
        if task.warm_up:
            self._close(session, f"torch could not be imported again ({why})")
        elif not worker.hello and worker.pipes.process is not None:
            self._record(task, "crashed", f"{self.executable} could not run the worker ({why})", output=output)
        elif task.tries == 1 and session.ran:  # not the first in its process: a neighbour may be to blame
            task.first_death = why
            session.again.append(task)
        else:
            self._record(task, "crashed", f"its process ended with {why}", stack=worker.stack(), output=output)
        session.ran = 0
        self._after_warm_death(session)
        self._advance(session)

    def _after_warm_death(self, session: Session) -> None:
        if session.lane == "warm" and self.torch_open is None:
            self._torch_imported(session, False)

    def _time_out(self, session: Session) -> None:
        timeout = session.deadline - GRACE - session.started
        task, worker = self._take_away(session)
        output, pid = worker.output(), worker.pid
        if not worker.stack() and platforms.ask_for_stack(pid, sys.platform):
            worker.wait_for_end(GRACE)
        worker.kill()
        detail = f"no answer within its {timeout:g} s"
        if platforms.is_unkillable(pid):
            detail += f"; process {pid} cannot be ended, it waits inside the kernel (state D): usually a stuck driver or file system"
        if task.warm_up:
            self._close(session, f"torch could not be imported again ({detail})")
        else:
            self._record(task, "timeout", detail, stack=worker.stack(), output=output, seconds=timeout)
        self._after_warm_death(session)
        self._advance(session)

    def _watch_memory(self) -> None:
        """End the largest worker before the machine runs out of memory."""
        found = self.memory.culprit(self.sessions.values())
        if found is None:
            return
        session, size = found
        task, worker = self._take_away(session)
        output = worker.output()
        worker.kill()
        detail = f"it used {size / 2**30:.1f} GiB and was ended before the machine ran out of memory"
        self._record(task, "crashed", detail, output=output)
        self._after_warm_death(session)
        self._advance(session)

    def _take_away(self, session: Session) -> tuple[Task, Worker]:
        """The running task and its worker, which the session has no longer."""
        task, worker = session.current, session.worker
        assert task is not None and worker is not None
        session.worker, session.current, session.awaiting, session.ran = None, None, False, 0
        return task, worker

    def _retire(self, session: Session) -> None:
        if session.worker is not None:
            session.worker.close()
            session.worker = None
            session.ran = 0

    def _abandon(self, why: str) -> None:
        for session in self.sessions.values():
            if session.current is not None and not session.current.warm_up:
                output = session.worker.output() if session.worker else ""
                elapsed = time.monotonic() - session.started
                self._record(session.current, "timeout", f"{why}; it had run for {elapsed:.1f} s", output=output, seconds=elapsed)
            session.current = None
            self._close(session, why)

    # ------------------------------------------------------------------------------------------------
    # results

    def _record(self, task: Task, state: State, detail: str = "", **more: Any) -> None:
        if task.warm_up:
            return
        probe = task.probe
        where = innermost(more.get("stack", ""))
        outcome = Outcome(probe.name, probe.lane, task.subject, state, detail=detail, where=where, **more)
        self.outcomes.add(probe.fact.__name__, outcome)
        if state == "ok":
            self._expand(probe, outcome.fact)

    def _expand(self, probe: Probe, fact: Any) -> None:
        """Plan the probes that run once for each subject of this fact."""
        waiting = [p for p in self.expandable if p.each is probe.fact]
        if not waiting:
            return
        from torchdoctor.codec import from_json

        subjects = from_json(probe.fact, fact).subjects()
        for subject in subjects:
            for each in waiting:
                self.sessions[each.lane].tasks.append(Task(each, subject))
        self.expandable = [p for p in self.expandable if p not in waiting]
        for each in waiting:
            self._advance(self.sessions[each.lane])
