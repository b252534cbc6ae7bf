"""A real process group of a few local ranks: all-reduce, broadcast, all-gather and a barrier, every value checked.

``run_collective`` is called in a process that has torch imported and has touched no device. It starts the ranks (by fork on
Linux, else as fresh interpreters), passes on the port that rank 0 chose, and waits no longer than its deadline: a rank that
hangs has written its stack by then, and every rank's last operation is known.
"""

from __future__ import annotations

import faulthandler
import json
import os
import queue
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

from torchdoctor.facts import CollectiveRun, Failure, RankRun

ELEMENTS = 8
PATIENCE = 2.0  # seconds that the other ranks get to end by themselves after one failed
STACK_LEAD = 1.0  # seconds before the deadline at which a rank writes its stack


# ---------------------------------------------------------------------------------------------------
# inside a rank


def _expected(world_size: int) -> dict[str, list[float]]:
    """What each operation must give, in closed form: rank r contributes (r + 1) * [0, 1, 2, ...], exact in float32."""
    total = world_size * (world_size + 1) / 2
    base = [float(i) for i in range(ELEMENTS)]
    return {
        "all-reduce": [total * b for b in base],
        "broadcast": list(base),
        "all-gather": [(r + 1) * b for r in range(world_size) for b in base],
    }


def _operations(dist: Any, torch: Any, rank: int, world_size: int, device: str) -> dict[str, Callable[[], list[float]]]:
    def mine() -> Any:
        return torch.arange(ELEMENTS, dtype=torch.float32, device=device) * (rank + 1)

    def all_reduce() -> list[float]:
        tensor = mine()
        dist.all_reduce(tensor)
        return list(tensor.cpu().tolist())

    def broadcast() -> list[float]:
        tensor = mine()
        dist.broadcast(tensor, src=0)
        return list(tensor.cpu().tolist())

    def all_gather() -> list[float]:
        parts = [torch.empty(ELEMENTS, dtype=torch.float32, device=device) for _ in range(world_size)]
        dist.all_gather(parts, mine())
        return [value for part in parts for value in part.cpu().tolist()]

    return {"all-reduce": all_reduce, "broadcast": broadcast, "all-gather": all_gather}


def rank_main(
    rank: int, world_size: int, backend: str, device: str, seconds: float, tell: Callable[[dict[str, Any]], None], port: Callable[[], int]
) -> None:
    """Run one rank. ``tell`` sends a message to the leader, ``port`` waits for the port of rank 0's store."""
    import datetime

    import torch
    import torch.distributed as dist

    make_store = dist.TCPStore  # type: ignore[attr-defined]  # exported by a star import
    timeout = datetime.timedelta(seconds=seconds)
    doing = "store"
    try:
        tell({"doing": doing})
        if device.startswith("cuda"):
            torch.cuda.set_device(device)
        if rank == 0:
            store = make_store("127.0.0.1", 0, world_size, True, timeout, wait_for_workers=False)
            tell({"port": store.port})
        else:
            store = make_store("127.0.0.1", port(), world_size, False, timeout)
        doing = "init_process_group"
        tell({"doing": doing})
        dist.init_process_group(backend, store=store, rank=rank, world_size=world_size, timeout=timeout)
        expected = _expected(world_size)
        for doing, operation in _operations(dist, torch, rank, world_size, device).items():
            tell({"doing": doing})
            values = operation()
            if values != expected[doing]:
                tell({"wrong": f"{doing}: expected {expected[doing][:ELEMENTS]}, got {values[:ELEMENTS]}"})
            else:
                tell({"done": doing})
        doing = "barrier"
        tell({"doing": doing})
        dist.barrier()
        tell({"done": doing, "end": True})
    except BaseException as error:
        kind = type(error)
        tell(
            {"failure": [f"{kind.__module__}.{kind.__name__}".replace("builtins.", ""), str(error), traceback.format_exc()], "doing": doing}
        )


# ---------------------------------------------------------------------------------------------------
# the leader


@dataclass
class _Rank:
    """A started rank as the leader sees it."""

    number: int
    device: str
    answers: int  # descriptor to read from
    requests: int  # descriptor to write to
    pid: int
    process: Optional[subprocess.Popen[bytes]] = None
    done: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    doing: str = ""
    failure: Optional[Failure] = None
    finished: bool = False
    ended: str = ""
    stack: list[str] = field(default_factory=list)


def _serve_rank(read_fd: int, write_fd: int, rank: int, world_size: int, backend: str, device: str, seconds: float) -> None:
    """The body of a rank's process, on its two pipes."""
    faulthandler.enable(write_fd)
    faulthandler.dump_traceback_later(max(0.1, seconds - STACK_LEAD), file=write_fd)

    def tell(message: dict[str, Any]) -> None:
        os.write(write_fd, (json.dumps(message) + "\n").encode())

    def port() -> int:
        with os.fdopen(os.dup(read_fd), "r") as file:
            return int(file.readline())

    rank_main(rank, world_size, backend, device, seconds, tell, port)


def _fork_rank(rank: int, world_size: int, backend: str, device: str, seconds: float, others: list[_Rank]) -> _Rank:
    import warnings

    if sys.platform == "win32":
        raise OSError("there is no fork on Windows")
    answers, theirs_out = os.pipe()
    theirs_in, requests = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        try:
            for other in others:  # so that a rank's pipes close with the rank
                os.close(other.answers)
                os.close(other.requests)
            _serve_rank(theirs_in, theirs_out, rank, world_size, backend, device, seconds)
        finally:
            os._exit(0)
    os.close(theirs_in)
    os.close(theirs_out)
    return _Rank(rank, device, answers, requests, pid)


_SPAWNED = """
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("torchdoctor", {init!r}, submodule_search_locations=[{root!r}])
module = sys.modules["torchdoctor"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from torchdoctor.work.collective import _serve_rank
read_fd, write_fd = os.dup(0), os.dup(1)
os.dup2(2, 1)
_serve_rank(read_fd, write_fd, *{arguments!r})
os._exit(0)
"""


def _spawn_rank(rank: int, world_size: int, backend: str, device: str, seconds: float) -> _Rank:
    import torchdoctor

    init = os.path.abspath(str(torchdoctor.__file__))
    code = _SPAWNED.format(init=init, root=os.path.dirname(init), arguments=(rank, world_size, backend, device, seconds))
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdin is not None and process.stdout is not None
    return _Rank(rank, device, process.stdout.fileno(), process.stdin.fileno(), process.pid, process)


def _listen(rank: _Rank, events: queue.Queue[tuple[_Rank, Optional[str]]]) -> None:
    pending = b""
    while True:
        try:
            chunk = os.read(rank.answers, 65536)
        except OSError:
            chunk = b""
        if not chunk:
            break
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            events.put((rank, line.decode("utf-8", "replace")))
    events.put((rank, None))


def _take(rank: _Rank, line: str, ranks: list[_Rank]) -> None:
    """One line from a rank: a message, or a line of its stack."""
    if not line.startswith("{"):
        rank.stack.append(line)
        return
    message = json.loads(line)
    rank.doing = message.get("doing", rank.doing)
    if "port" in message:
        for other in ranks:
            if other is not rank:
                try:
                    os.write(other.requests, f"{message['port']}\n".encode())
                except OSError:  # that rank is gone; its own end tells why
                    continue
    if "done" in message:
        rank.done.append(message["done"])
    if "wrong" in message:
        rank.wrong.append(message["wrong"])
    if "failure" in message:
        rank.failure = Failure(*message["failure"])
    rank.finished = rank.finished or bool(message.get("end")) or "failure" in message


def _end(rank: _Rank, gone: bool) -> None:
    """Collect a rank's process and say how it ended."""
    import signal

    if rank.process is not None:
        if not gone:
            rank.process.kill()
        status = rank.process.wait()
    elif sys.platform != "win32":
        if not gone:
            os.kill(rank.pid, signal.SIGKILL)
        _, raw = os.waitpid(rank.pid, 0)
        status = -os.WTERMSIG(raw) if os.WIFSIGNALED(raw) else os.WEXITSTATUS(raw)
    if not gone:
        rank.ended = "did not finish"
    elif status < 0:
        rank.ended = signal.Signals(-status).name
    else:
        rank.ended = "normally" if status == 0 else f"exit code {status}"


def run_collective(backend: str, devices: list[str], seconds: float, fork: bool) -> CollectiveRun:
    """One process group with a rank on each of ``devices``, ended after ``seconds`` at the latest."""
    started = time.monotonic()
    world_size = len(devices)
    ranks: list[_Rank] = []
    events: queue.Queue[tuple[_Rank, Optional[str]]] = queue.Queue()
    # A fork copies the state of a pending dump but not its thread, and the copy waits for that thread for ever.
    faulthandler.cancel_dump_traceback_later()
    for number, device in enumerate(devices):
        if fork:
            ranks.append(_fork_rank(number, world_size, backend, device, seconds, ranks))
        else:
            ranks.append(_spawn_rank(number, world_size, backend, device, seconds))
    for rank in ranks:  # threads only after the last fork
        threading.Thread(target=_listen, args=(rank, events), daemon=True).start()
    waiting = list(ranks)
    end = started + seconds
    while waiting and time.monotonic() < end:
        try:
            rank, line = events.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        if line is None:
            waiting.remove(rank)
            _end(rank, gone=True)
        else:
            _take(rank, line, ranks)
        if any(r.failure or not r.finished for r in ranks if r not in waiting):
            end = min(end, time.monotonic() + PATIENCE)  # a rank is gone: the others wait for it in vain
    for rank in waiting:
        _end(rank, gone=False)
    runs = tuple(
        RankRun(
            r.number,
            r.device,
            tuple(r.done),
            "" if r.finished and not r.failure else r.doing,
            tuple(r.wrong),
            r.failure,
            r.ended,
            "\n".join(r.stack),
        )
        for r in ranks
    )
    return CollectiveRun(backend, world_size, runs, time.monotonic() - started)
