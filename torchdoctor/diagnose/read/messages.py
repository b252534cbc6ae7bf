"""The last line of a traceback: which type, and where its message ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from torchdoctor.diagnose.read.frames import heading_of
from torchdoctor.diagnose.read.lazy import Lazy

_TYPE = Lazy(r"\s{0,40}((?:[A-Za-z_]\w{0,80}\.){0,10}[A-Za-z_]\w{0,80}(?:\([\w.]{1,120}\))?)\s?(?:[:：]\s?(.*))?$", flags=16)
_SUFFIXES = (
    "Error",
    "Exception",
    "Interrupt",
    "Exit",
    "ExceptionGroup",
    "Failure",
    "Fault",
    "Timeout",
    "OutOfMemory",
    "RemoteTraceback",
    "StopIteration",
    "Abort",
    "Cancelled",
    "Disconnected",
)
_EXACT = frozenset(("queue.Empty", "_queue.Empty", "queue.Full", "StopIteration", "StopAsyncIteration", "SystemExit", "KeyboardInterrupt"))
_STOP = Lazy(
    r"\s{0,40}(?:(?:Original |Exception Group )?Traceback \(|During handling of|The above exception|During a "
    r"group:|Exception raised from |frame #\d"
    r"|terminate called|Fatal Python error|Segmentation fault|Aborted\b|Killed\b|Bus error|Process finished "
    r"with exit|Exception (?:ignored )?in |-- Process \d"
    r"|={5,}|-{5,}|\*{5,}|```|[│╭╰┌└]|srun: |slurmstepd: |wandb: |\$ |>>> |PS [A-Z]:|make(?:\[\d|: )|ninja: |Process \S{1,60}:$"
    r"|\[?[EWIF]\d{3,4} \d\d:\d\d|\[[EWIF]\d{0,4} [\d\w]|\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:|\[\d\d:\d\d:\d\d"
    r"|\[?(?:ERROR|WARNING|INFO|DEBUG|CRITICAL)\b[\]: ]"
    r"|\S{1,300}\.py:\d{1,9}: \w{0,40}Warning|(?:[^|%\n]{0,60}\s)?\d{1,3}%\||##\[|\s*\x22\w{1,40}\x22:|\s*[}\]],?\s*$|/bin/|wandb: |(?:Epoch|epoch|step|Step|iter"
    r"|global_step)[ =:]\s?\d|[\w.-]{1,64}:\d{2,9}:\d{2,9} \[|\w{1,40}@[\w.-]{1,60}:)"
)
_ANOTHER = Lazy(
    r"(?:[A-Za-z_]\w{0,80}\.){0,10}[A-Z]\w{0,80}(?:Error|Exception|Interrupt)(?:\([\w.]{1,80}\))?:\s", "Error", "Exception", "Interrupt"
)
_GOES_ON = Lazy(
    r"\s{2,}\S|[a-z`'\"(]|[-*•] |\(?\d{1,2}[.)] |(?:If|Please|For debugging|Compile with|Parameter|See|You can"
    r"|Try|Consider|Check|Last error|Device-side|In addition|Note that|Make sure|Use|Run)\b"
)
_DIGITS = Lazy(r"[\d.]+")
MAX_LINES, MAX_CHARS = 60, 8000


def final_line(text: str, sure: bool = False) -> Optional[tuple[str, str]]:
    """Type and first part of the message of an exception's last line. ``sure``: frames stand directly above it."""
    if len(text) > 100_000 or not text[:200].strip():
        return None
    found = _TYPE.match(text)
    if not found:
        return None
    name, message = found[1], found[2]
    bare = name.split("(", 1)[0]
    last = bare.rsplit(".", 1)[-1]
    colon = message is not None
    known = bare in _EXACT or (last.endswith(_SUFFIXES) and (last[0].isupper() or "_" in last or "." in bare))
    if known and last in ("Error", "Exception", "Failure", "Timeout", "Fault", "Exit", "Abort"):
        known = sure or (last in ("Exception",) and colon and text[0] == "E")
    if not known and sure:
        known = last[0].isupper() and (colon or "." in bare) and last not in ("None", "True", "False")
    if not known or (not colon and not sure and not _alone(bare)):
        return None
    return name, (message or "").strip()


def _alone(name: str) -> bool:
    """Whether a name without a message counts as a failure by itself: not every title of a document."""
    return name in _EXACT or (name.endswith(("Error", "KeyboardInterrupt")) and (name[0].isupper() or "." in name) and len(name) > 7)


def is_stop(text: str) -> bool:
    """Whether the line cannot belong to the message above it."""
    if _STOP.match(text):
        return True
    return bool(_ANOTHER.match(text)) or heading_of(text) is not None


def gather(texts: Sequence[str], index: int, message: str) -> tuple[str, int]:
    """The whole message that goes on from ``index``, and the index of its last line."""
    parts, size, gaps, last = [message], len(message), 0, index - 1
    end = min(len(texts), index + MAX_LINES)
    place = index
    while place < end and size < MAX_CHARS:
        text = texts[place]
        if not text.strip():
            following = texts[place + 1] if place + 1 < end else ""
            gaps += 1
            if gaps > 3 or not following.strip() or not _GOES_ON.match(following) or is_stop(following):
                break
            place += 1
            continue
        if is_stop(text) or (place + 1 < len(texts) and _same_shape(text, texts[place + 1])):
            break
        parts.append(text.strip())
        size += len(text)
        last = place
        place += 1
    while last + 1 < len(texts) and _native_frame(texts[last + 1]):
        last += 1
    return " ".join(parts)[:MAX_CHARS], last


def _same_shape(text: str, following: str) -> bool:
    """Whether two lines differ in nothing but numbers: a program that goes on counting, not a message."""
    return len(text) < 400 and text[:1].isalnum() and any(map(str.isdigit, text)) and _DIGITS.sub("", text) == _DIGITS.sub("", following)


def _native_frame(text: str) -> bool:
    return text.startswith(("frame #", "Exception raised from ", "  frame #"))
