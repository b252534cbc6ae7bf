"""Failures that are no traceback: signals, exit codes, native errors, kernel lines, build and install errors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from torchdoctor.diagnose.log import EventKind
from torchdoctor.diagnose.read.draft import Draft
from torchdoctor.diagnose.read.lazy import Lazy
from torchdoctor.diagnose.read.messages import final_line, gather, is_stop


@dataclass(frozen=True)
class _Rule:
    """One form of failure. Group ``what`` of the pattern names the type, ``code`` an exit code, ``rank`` a rank."""

    kind: EventKind
    type: str
    pattern: Lazy
    via: str = ""


_WORDS = (
    "error",
    "fail",
    "fault",
    "kill",
    "abort",
    "fatal",
    "xid",
    "oom",
    "exit",
    "terminate called",
    "signal",
    "bus error",
    "illegal instruction",
    "exception",
    "out of memory",
    "what():",
    "cannot",
    "could not",
    "no space",
    "no such",
    "not found",
    "undefined symbol",
    "assert",
    "unsatisfi",
    "interrupt",
    "fallen off",
    "invalid",
    "timed out",
    "timeout",
    "unable",
    "stopiteration",
    "no solution",
    "could not select",
    "nvidia-container",
    "not a supported",
    "but you have",
    "not compatible",
    "_status_",
    "program hit",
    "is lost",
    "hip",
    "nvidia-smi",
    "empty",
)
_SIG = r"(?P<what>SIG(?:KILL|SEGV|ABRT|BUS|TERM|FPE|ILL|INT|HUP|PIPE|USR\d))"
_RULES = (
    _Rule("exit", "exit", Lazy(r"\(exitcode: ?(?P<code>-?\d{1,10})\) (?:local_rank: ?(?P<rank>\d{1,6}))?", "(exitcode"), "summary"),
    _Rule("exit", "exit", Lazy(r"^\s*exitcode\s{1,4}: (?P<code>-?\d{1,10})\s{1,2}\(pid: ?\d{1,10}\)", "exitcode"), "summary"),
    _Rule("exit", "exit", Lazy(r"exits? with return code = (?P<code>-?\d{1,10})", "return code ="), "summary"),
    _Rule("signal", "", Lazy(rf"Signal (?P<code>\d{{1,3}}) \({_SIG}\) received by PID", "received by PID"), "summary"),
    _Rule("exit", "oom", Lazy(r"(?:srun|slurmstepd): error: .{0,300}(?P<what>oom[_-]kill|Out Of Memory)", "error:"), "summary"),
    _Rule("exit", "exit", Lazy(r"(?:srun|slurmstepd): error: \S{1,100} tasks? (?P<rank>\d{1,6})?[^:\n]{0,200}: (?:Exited with exit code (?P<code>\d{1,5})|\S.{0,100})", "error:"), "summary"),
    _Rule("exit", "slurm", Lazy(r"(?:srun|slurmstepd): error: \S", "error:"), "summary"),
    _Rule("exit", "exit", Lazy(r"process rank (?P<rank>\d{1,6}) with PID \d{1,10}.{0,200} exited on signal (?P<code>\d{1,3})", "exited on signal"), "summary"),
    _Rule("exit", "exit", Lazy(r"BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES|EXIT CODE: (?P<code>\d{1,5})", "BAD TERM", "EXIT CODE: "), "summary"),
    _Rule("exit", "exit", Lazy(r"[Pp]rocess finished with exit code (?P<code>-?(?!0\b)\d{1,10})", "finished with exit code"), "summary"),
    _Rule("exit", "exit", Lazy(r"(?:exit(?:ed with)?(?: status| code)?|terminated with exit code|Exit Code):? {1,20}(?P<code>-?(?!0\b)\d{1,10})\b", "xit"), "summary"),
    _Rule("exit", "OOMKilled", Lazy(r"\bOOMKilled\b", "OOMKilled"), "summary"),
    _Rule("kernel", "xid", Lazy(r"NVRM: Xid|NVRM: .{0,200}(?:fallen off|failed|API mismatch|not supported)|fallen off the bus", "NVRM", "fallen off")),
    _Rule("kernel", "oom-killer", Lazy(r"invoked oom-killer|oom-kill:|[Oo]ut of memory: Kill(?:ed)? process|Killed process \d{1,10} \(", "oom-kill", "Kill")),
    _Rule("kernel", "segfault", Lazy(r"\]: segfault at |\] general protection|traps: \S{1,64}\[\d{1,10}\]", "segfault at", "general protection", "traps: ")),
    _Rule("kernel", "hardware", Lazy(r"AER: .{0,100}(?:Fatal|Uncorrect)|\bmce: .{0,100}Hardware Error|amdgpu.{0,200}(?:page fault|GPU reset|ring .{0,40}timeout)", "AER", "mce", "amdgpu")),
    _Rule("fatal", "terminate", Lazy(r"terminate called (?:after throwing an instance of '?(?P<what>[\w:<>, ]{1,200})|without an active exception)", "terminate called")),
    _Rule("signal", "SIGSEGV", Lazy(r"\b[Ss]egmentation fault\b|\b[Ss]egfault encountered|\bsegmentation violation\b", "egmentation", "egfault")),
    _Rule("signal", "SIGBUS", Lazy(r"(?:^|[\s:])[Bb]us error\b", "us error")),
    _Rule("signal", "SIGABRT", Lazy(r"(?:^|\s)(?:Aborted|Abort trap: 6)\s*(?:\(core dumped\))?(?:\s|$)", "Abort")),
    _Rule("signal", "SIGILL", Lazy(r"(?:^|[\s:])Illegal instruction\b", "Illegal instruction")),
    _Rule("signal", "SIGFPE", Lazy(r"(?:^|[\s:])Floating point exception\b", "Floating point exception")),
    _Rule("signal", "SIGKILL", Lazy(r"(?:^|\d\s|:\s)Killed(?:: 9)?\s*(?:$|\s(?:python|torchrun|accelerate|deepspeed|\S{0,80}/|\())", "Killed")),
    _Rule("signal", "", Lazy(rf"(?:died with <Signals\.|received signal |\*\*\* |Received |\bsignal:? ?\(?){_SIG}", "SIG")),
    _Rule("signal", "signal", Lazy(r"killed by signal[: ]|\*\*\* Process received signal|Signal: [A-Z]\w{1,20}(?: \w{1,20})? \(\d{1,3}\)", "ignal")),
    _Rule("error", "native", Lazy(r"\[[EF]\d{0,4} ?[^\]\n]{0,80}\.(?:cpp|cc|cu|h|hpp):\d{1,6}\]", ".cpp:", ".cc:", ".cu:", ".h:", ".hpp:")),
    _Rule("error", "glog", Lazy(r"^\[?[EF]\d{3,4} \d\d:\d\d:\d\d\.\d{3,9}\s{1,4}\S.{0,300}\] \S", "] ")),
    _Rule("error", "assert", Lazy(r"Assertion [`'\"].{1,400}[`'\"]? failed|failed assertion|: Assertion .{1,300} failed|device-side assert", "ssertion", "assert")),
    _Rule("error", "nccl", Lazy(r"NCCL WARN .{0,300}\b(?:[Ff]ail\w{0,4}|[Ee]rror|mismatch|[Nn]o such|Duplicate|closed|timed? ?out|insufficient)\b", "NCCL WARN")),
    _Rule("error", "cuda", Lazy(r"\b(?:CUDA|Cuda|cuda|HIP|hip|NCCL|cuDNN|cuBLAS|CUBLAS|MPS|XPU) ?(?:runtime |driver )?(?:[Ee]rror|failure)\b[:' ]", "CUDA ", "Cuda ", "cuda ", "HIP ", "hip ", "NCCL ", "cuDNN ", "cuBLAS", "CUBLAS", "MPS ", "XPU ", "CUDAe", "CUDAE")),
    _Rule("error", "nvml", Lazy(r"Failed to initialize NVML|NVIDIA-SMI has failed|NVML: .{0,100}mismatch|No devices were found", "NVML", "NVIDIA-SMI", "No devices")),
    _Rule("error", "symbol", Lazy(r"undefined symbol: ?\S|symbol lookup error|cannot open shared object file|version `\S{1,80}' not found|Symbol not found:|Library not loaded:", "symbol", "shared object", "version `", "Symbol", "Library not")),
    _Rule("error", "pip", Lazy(r"^\s*ERROR: (?!\d+ error)\S|^\s{0,4}error: \S|^\s*× \S", "ERROR: ", "error: ", "× ")),
    _Rule("error", "compiler", Lazy(r"\S{1,300}(?::\d{1,7}(?::\d{1,6})?:|\(\d{1,7}\):) (?:fatal )?error\b|nvcc fatal|^\s*(?:clang|gcc|g\+\+|cl|collect2|ld|/usr/bin/ld)[:.] ?\S{0,40} ?(?:error|cannot find)|LINK : fatal|fatal error [A-Z]{1,4}\d{2,6}|ld(?:\.\w{2,5})?: cannot find|CMake Error", ": error", " error:", "error ", "fatal error", "Error at", "nvcc fatal", "cannot find", "LINK :")),
    _Rule("error", "build", Lazy(r"^\s*(?:FAILED: \S|ninja: (?:build stopped|error)|make(?:\[\d{1,3}\])?: \*\*\* )", "FAILED: ", "ninja: ", "make")),
    _Rule("error", "argparse", Lazy(r"^\S{1,200}: error: \S", ": error: ")),
    _Rule("error", "shell", Lazy(r"(?:command not found|No such file or directory|Permission denied|No space left on device)\s*$|is not recognized as an internal or external command", "not found", "No such file", "Permission denied", "No space", "not recognized")),
    _Rule("error", "loader", Lazy(r"Could not load library|Unable to load|OMP: Error #\d|Intel MKL FATAL ERROR|libgomp: .{0,100}|^Error: \S|torch\.cuda\.is_available\(\).{0,20}False", "Could not load", "Unable to load", "OMP: Error", "MKL FATAL", "libgomp: ", "Error: ", "False")),
    _Rule("error", "container", Lazy(r"docker: Error response from daemon|nvidia-container-cli: |could not select device driver", "docker: ", "nvidia-container", "could not select")),
    _Rule("error", "wheel", Lazy(r"is not a supported wheel on this platform|requires torch\S{0,40}, but you have|is not compatible with the current PyTorch installation", "supported wheel", "but you have", "current PyTorch")),
    _Rule("error", "cuda", Lazy(r"THCudaCheck FAIL|\bbackend out of memory\b|\bCUDA out of memory\b|UR_RESULT_ERROR|PI_ERROR|Native API failed|=========\s{1,8}(?:Invalid|Program hit)|hip(?:Error[A-Z]\w{3,40})|cudaError[A-Z]\w{3,40}|CUBLAS_STATUS_(?!SUCCESS)|CUDNN_STATUS_(?!SUCCESS)|GPU is lost", "THC", "out of memory", "_ERROR", "Native API", "=====", "hipError", "cudaError", "_STATUS_", "GPU is lost")),
    _Rule("error", "conda", Lazy(r"PackagesNotFoundError|LibMambaUnsatisfiableError|ResolutionImpossible|UnsatisfiableError|No solution found when resolving|SolverProblemError", "Error", "Resolution", "No solution")),
)  # fmt: skip
_LITERAL = Lazy("|".join(map(re.escape, sorted({literal for rule in _RULES for literal in rule.pattern.literals}))))
_LEVEL = Lazy(
    r"^(?:\[?[\d :,./T-]{8,40}\]?[\s|:-]{0,4})?(?:\[?[\w./:<>-]{1,80}\]?[\s|:-]{1,4}){0,3}?\[?(?:ERROR|CRITICAL|FATAL)\]?[\s|:\]-]{1,4}(\S.*)$",
    "ERROR",
    "CRITICAL",
    "FATAL",
    flags=16,
)
_MILD = Lazy(r"\b(?:INFO|DEBUG|WARNING|WARN|TRACE)\b|^[WI]\d{4} |Warning:")
_BAD = Lazy(
    r"(?i)\b(?:fail(?:ed|ure|s)?|error|cannot|can't|could not|unable|exception|not found|no such|timed out|timeout|abort(?:ed|ing)?|crash(?:ed)?|killed|died|mismatch|out of memory|invalid|terminated)\b"
)
_NOTHING_BAD = Lazy(r"(?i)\b(?:0|no) (?:errors?|failures?)\b|errors?[=:] ?0\b|error_rate|failed[=:] ?0\b")
_MIDDLE = Lazy(
    r"(?<![\w.'\"(])((?:[A-Za-z_]\w{0,60}\.){0,8}(?:[A-Z]\w{0,60}(?:Error|Exception)|KeyboardInterrupt|torch\.OutOfMemoryError)(?:\([\w.]{1,80}\))?): (.{0,6000})",
    "Error: ",
    "Exception: ",
    "Interrupt: ",
)
_RANK_SAID = Lazy(r"\[Rank (\d{1,6})\]|\bRank (\d{1,6})\b[\],]|\brank\s{1,6}: (\d{1,6}) \(local_rank", "ank")
_NUMBER_OF = {"SIGHUP": 1, "SIGINT": 2, "SIGILL": 4, "SIGABRT": 6, "SIGBUS": 7, "SIGFPE": 8, "SIGKILL": 9, "SIGSEGV": 11, "SIGTERM": 15}
_WORD = Lazy("|".join(map(re.escape, _WORDS)))
MAX_EVENTS = 2000


def _by_rule(texts: Sequence[str], index: int) -> Optional[Draft]:
    text = texts[index]
    if _LITERAL.search(text) is None:
        return None
    for rule in _RULES:
        found = rule.pattern.search(text)
        if not found:
            continue
        groups = found.groupdict()
        name = rule.type or groups.get("what") or "signal"
        if groups.get("what") and rule.kind in ("fatal", "signal"):
            name = groups["what"].strip(" '")
        draft = Draft(rule.kind, name, text.strip()[:8000], index, index, via=rule.via)
        code = groups.get("code")
        draft.exit_code = int(code) if code else -_NUMBER_OF[name] if name in _NUMBER_OF else None
        if rule.kind == "signal" and code:
            draft.exit_code = -int(code)
        draft.rank = int(groups["rank"]) if groups.get("rank") else None
        if draft.kind == "exit" and draft.exit_code == 0:
            return None
        return draft
    return None


def _table_rank(texts: Sequence[str], index: int) -> Optional[int]:
    """The rank of the entry of torchrun's table that the line belongs to."""
    for text in reversed(texts[max(0, index - 6) : index]):
        found = _RANK_SAID.search(text)
        if found and found[3]:
            return int(found[3])
    return None


def _logged(texts: Sequence[str], index: int) -> Optional[Draft]:
    text = texts[index]
    if not (_MIDDLE.possible(text) or _LEVEL.possible(text)) or _MILD.search(text[:120]):
        return None
    middle = _MIDDLE.search(text)
    if middle and not text.lstrip().startswith(("except ", "raise ", "#")):
        message, last = gather(texts, index + 1, middle[2])
        return Draft("exception", middle[1], message, index, max(index, last))
    level = _LEVEL.match(text)
    if level and _BAD.search(level[1]) and not _NOTHING_BAD.search(level[1]):
        return Draft("error", "logged", level[1], index, index)
    return None


def failures(texts: Sequence[str], taken: bytearray) -> list[Draft]:
    """The failures of the lines that no traceback has ``taken``."""
    drafts: list[Draft] = []
    index = 0
    while index < len(texts) and len(drafts) < MAX_EVENTS:
        text = texts[index]
        lowered = text.lower() if len(text) < 20_000 else text[:20_000].lower()
        if taken[index] or _WORD.search(lowered) is None:
            index += 1
            continue
        draft = _one(texts, index)
        if draft is None:
            index += 1
            continue
        drafts.append(draft)
        index = draft.last + 1
    return drafts


def _one(texts: Sequence[str], index: int) -> Optional[Draft]:
    text = texts[index]
    final = final_line(text)
    if final:
        message, last = gather(texts, index + 1, final[1])
        return Draft("exception", final[0], message, index, max(index, last))
    draft = _by_rule(texts, index)
    if draft is None:
        return _logged(texts, index)
    if draft.kind in ("fatal", "error", "signal") and _MILD.search(text[:120]) and draft.type != "nccl":
        return None
    if draft.type == "exit" and draft.rank is None:
        draft.rank = _table_rank(texts, index)
    if draft.rank is None and (said := _RANK_SAID.search(text)):
        draft.rank = int(said[1] or said[2] or said[3])
    if draft.kind == "fatal" or draft.type in ("native", "cuda"):
        draft.message, draft.last = _with_what(texts, index, draft.message)
    return draft


def _with_what(texts: Sequence[str], index: int, message: str) -> tuple[str, int]:
    """The message with C++'s ``what():`` and what follows it."""
    if index + 1 < len(texts) and texts[index + 1].lstrip().startswith("what():"):
        rest = texts[index + 1].lstrip().removeprefix("what():").strip()
        return gather(texts, index + 2, f"{message} what(): {rest}")
    if (
        index + 1 < len(texts)
        and not is_stop(texts[index + 1])
        and texts[index + 1].startswith(("nccl", "Last error", "For debugging", "Compile"))
    ):
        return gather(texts, index + 1, message)
    return message, index
