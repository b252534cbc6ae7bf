"""Probes that do everything a probe must not do, each with a check; a folder of checks as a user might write it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from torchdoctor.api import check, ok, probe


@dataclass(frozen=True)
class Raises:
    value: int = 0


@dataclass(frozen=True)
class Segfaults:
    value: int = 0


@dataclass(frozen=True)
class Aborts:
    value: int = 0


@dataclass(frozen=True)
class Exits:
    value: int = 0


@dataclass(frozen=True)
class SysExits:
    value: int = 0


@dataclass(frozen=True)
class HangsInPython:
    value: int = 0


@dataclass(frozen=True)
class HangsInC:
    value: int = 0


@dataclass(frozen=True)
class IgnoresTerm:
    value: int = 0


@dataclass(frozen=True)
class IsKilled:
    value: int = 0


@dataclass(frozen=True)
class Floods:
    value: int = 0


@dataclass(frozen=True)
class ClosesOutput:
    value: int = 0


@dataclass(frozen=True)
class SpeaksProtocol:
    value: int = 0


@dataclass(frozen=True)
class LeavesChildren:
    pid: int = 0


@dataclass(frozen=True)
class EatsMemory:
    value: int = 0


@dataclass(frozen=True)
class Healthy:
    value: int = 0


@probe(lane="host")
def raises() -> Raises:
    raise ValueError("a planted error")


@probe(lane="host")
def segfaults() -> Segfaults:
    ctypes.string_at(0)
    return Segfaults()


@probe(lane="host")
def aborts() -> Aborts:
    os.abort()
    return Aborts()


@probe(lane="host")
def exits() -> Exits:
    os._exit(0)
    return Exits()


@probe(lane="host")
def sys_exits() -> SysExits:
    sys.exit(0)


@probe(lane="host", timeout=0.5)
def hangs_in_python() -> HangsInPython:
    while True:
        time.sleep(3600)


@probe(lane="host", timeout=0.5)
def hangs_in_c() -> HangsInC:
    ctypes.PyDLL(None).pause()  # PyDLL keeps the GIL
    return HangsInC()


@probe(lane="host", timeout=0.5)
def ignores_term() -> IgnoresTerm:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(3600)


@probe(lane="host")
def is_killed() -> IsKilled:
    os.kill(os.getpid(), signal.SIGKILL)
    return IsKilled()


@probe(lane="host", timeout=0.5)
def floods() -> Floods:
    line = b"x" * 65536
    while True:
        os.write(1, line)


@probe(lane="host")
def closes_output() -> ClosesOutput:
    os.close(1)
    os.close(2)
    return ClosesOutput(1)


@probe(lane="host")
def speaks_protocol() -> SpeaksProtocol:
    print('{"type": "answer", "task": 1, "state": "ok", "fact": {"value": 666}, "seconds": 0}')
    os.system("""echo '{"type": "hello", "python": "9.9"}'""")
    return SpeaksProtocol(1)


@probe(lane="host")
def leaves_children() -> LeavesChildren:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
    return LeavesChildren(child.pid)


@probe(lane="host")
def eats_memory() -> EatsMemory:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
    blocks = []
    while True:
        blocks.append(bytearray(2**26))


@probe(lane="host")
def healthy() -> Healthy:
    return Healthy(42)


@check("EVIL01", group="evil")
def raising(fact: Raises):
    yield ok("fine")


@check("EVIL02", group="evil")
def segfaulting(fact: Segfaults):
    yield ok("fine")


@check("EVIL03", group="evil")
def aborting(fact: Aborts):
    yield ok("fine")


@check("EVIL04", group="evil")
def exiting(fact: Exits):
    yield ok("fine")


@check("EVIL05", group="evil")
def sys_exiting(fact: SysExits):
    yield ok("fine")


@check("EVIL06", group="evil")
def hanging_in_python(fact: HangsInPython):
    yield ok("fine")


@check("EVIL07", group="evil")
def hanging_in_c(fact: HangsInC):
    yield ok("fine")


@check("EVIL08", group="evil")
def ignoring_term(fact: IgnoresTerm):
    yield ok("fine")


@check("EVIL09", group="evil")
def killed(fact: IsKilled):
    yield ok("fine")


@check("EVIL10", group="evil")
def flooding(fact: Floods):
    yield ok("fine")


@check("EVIL11", group="evil")
def closing_output(fact: ClosesOutput):
    yield ok(f"value {fact.value}")


@check("EVIL12", group="evil")
def speaking_protocol(fact: SpeaksProtocol):
    yield ok(f"value {fact.value}")


@check("EVIL13", group="evil")
def leaving_children(fact: LeavesChildren):
    yield ok(f"pid {fact.pid}")


@check("EVIL14", group="evil")
def eating_memory(fact: EatsMemory):
    yield ok("fine")


@check("EVIL15", group="evil")
def being_healthy(fact: Healthy):
    yield ok(f"value {fact.value}")


@check("EVIL16", group="evil")
def itself_wrong(fact: Healthy):
    raise KeyError("a planted mistake")
