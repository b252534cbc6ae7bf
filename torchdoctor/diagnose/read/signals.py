"""Failures that are no traceback: signals, exit codes, native errors, kernel lines, build and install errors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Optional

from torchdoctor.diagnose.read.draft import Draft
from torchdoctor.diagnose.read.lazy import Lazy
from torchdoctor.diagnose.read.messages import final_line, gather, is_stop
from torchdoctor.diagnose.read.rules import RULES, WORDS

_LITERAL = Lazy("|".join(map(re.escape, sorted({literal for rule in RULES for literal in rule.pattern.literals}))))
_LEVEL = Lazy(
    r"^(?:\[?[\d :,./T-]{8,40}\]?[\s|:-]{0,4})?(?:\[?[\w./:<>-]{1,80}\]?[\s|:-]{1,4}){0,3}?\[?(?:ERROR|CRITICAL"
    r"|FATAL)\]?[\s|:\]-]{1,4}(\S.*)$",
    "ERROR",
    "CRITICAL",
    "FATAL",
    flags=16,
)
_MILD = Lazy(r"\b(?:INFO|DEBUG|WARNING|WARN|TRACE)\b|^[WI]\d{4} |Warning:")
_BAD = Lazy(
    r"(?i)\b(?:fail(?:ed|ure|s)?|error|cannot|can't|could not|unable|exception|not found|no such|timed out"
    r"|timeout|abort(?:ed|ing)?|crash(?:ed)?|killed|died|mismatch|out of memory|invalid|terminated)\b"
)
_NOTHING_BAD = Lazy(r"(?i)\b(?:0|no) (?:errors?|failures?)\b|errors?[=:] ?0\b|error_rate|failed[=:] ?0\b")
_MIDDLE = Lazy(
    r"(?<![\w.'\"(])((?:[A-Za-z_]\w{0,60}\.){0,8}(?:[A-Z]\w{0,60}(?:Error|Exception)|KeyboardInterrupt"
    r"|torch\.OutOfMemoryError)(?:\([\w.]{1,80}\))?): (.{0,6000})",
    "Error: ",
    "Exception: ",
    "Interrupt: ",
)
_RANK_SAID = Lazy(r"\[Rank (\d{1,6})\]|\bRank (\d{1,6})\b[\],]|\brank\s{1,6}: (\d{1,6}) \(local_rank", "ank")
_NUMBER_OF = {"SIGHUP": 1, "SIGINT": 2, "SIGILL": 4, "SIGABRT": 6, "SIGBUS": 7, "SIGFPE": 8, "SIGKILL": 9, "SIGSEGV": 11, "SIGTERM": 15}
_WORD = Lazy("|".join(map(re.escape, WORDS)))
MAX_EVENTS = 2000


def _by_rule(texts: Sequence[str], index: int) -> Optional[Draft]:
    text = texts[index]
    if _LITERAL.search(text) is None:
        return None
    for rule in RULES:
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
    if draft.via == "summary" and draft.rank is None:
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
