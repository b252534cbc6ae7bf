"""A paste that ends or begins in the middle of a message: the rest of that message, where the catalogue's examples know it.

Terminals, chats and issue forms cut long texts, often through the one line that matters. The signs ask for whole phrases, so that a short one
cannot claim what it does not show. The examples hold the messages in full: the text is read once more with the rest of the line added.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from torchdoctor.diagnose.log import Log, Stream, reread
from torchdoctor.diagnose.ordinary import failures
from torchdoctor.model import Cause

MIN_LENGTH = 12
"""Characters of a message below which its beginning says too little."""
LONG = 24
"""Characters from which on a message may also end between two words: a shorter one may be the whole of another message."""
TAIL = 28
"""Characters from which on a text's first line may be the end of a message."""
MAX_LENGTH = 400
MAX_LINES = 24
"""Lines that are tried: the last of each rank, then the messages of the failures."""
MAX_SKIPPED = 40
"""Lines of a launcher at a rank's end that may follow the one that was cut."""
_FAILS = re.compile(
    r"error|exception|fail|warn|cannot|can't|could not|unable|abort|fatal|assert|detected|mismatch|\bnot\b|invalid|illegal|NVRM",
    re.IGNORECASE,
)
_TYPE = re.compile(r"^.{0,200}?(?:(?:Error|Exception|Warning|Failure)\s*:|\berror:|NCCL WARN|\[c10d\])\s+")
"""What stands before a message: the exception's type, or the part of the library that logs."""
_CODE = re.compile(r"^(?:File \"|[|│>~^-]|(?:return|raise|def|for|if|with|import|from)\b)|\)$|=\s*\w+\(")
_LAUNCHER = re.compile(
    r"closing signal|ChildFailedError|exited with code|exit ?code|exit status|^srun: |^slurmstepd: |Root Cause|^Failures:|<NO_OTHER_FAILURES>|"
    r"error_file|^traceback :|^time {2,}:|^host {2,}:|^rank {2,}:|torch[./]distributed[./]elastic|Killing subprocess|^make\b.{0,20}: |"
    r"non-zero exit|CalledProcessError|^[-=*+_ ]{3,}$|^\S+@\S+:\S*[$#]|^[$#] ?$|^PS [A-Z]:|^\(\w+\) .{0,40}[$#] ?$|^\s*$",
    re.IGNORECASE,
)
"""What launchers, containers and shells write below the program's own last line."""
_NUMBER = r"(?<![Ee]rror[ =])(?<![Ee]rror: )(?<!code[ =])(?<!code: )(?<!status[ =])(?<!\d)(?<!\): )\d+"
"""A number that is not the code of the failure itself: that one does not vary."""
_VARIES = (
    re.compile(r"(?!)"),
    re.compile(_NUMBER),
    re.compile(rf"{_NUMBER}|'[^' ]*'|\"[^\" ]*\"|`[^` ]*`|\S*[/\\]\S*"),
)
"""What may differ between the paste and an example: first nothing, then numbers, then also names in quotes and paths."""
_OPEN_QUOTE = re.compile(r"['\"`][^'\"` ]*$")
_NAMES_LAST = re.compile(r":\s+['\"`]?-{0,2}[a-z][a-z0-9]*(?:[_.-][a-z0-9]+)+(?:=\S+)?['\"`]{0,2}\.?(?:\s*\(.*)?$")
"""An end that tells what the message is about: another name there is another failure, so no text is read as going on like this."""


def completions(log: Log, causes: Iterable[Cause]) -> list[Log]:
    """The log with each way that a line of it is known to go on; empty where the lines are whole, no messages, or not known."""
    known = list(dict.fromkeys(line for cause in causes for line in _lines(cause)))
    for number, index, least in _ends(log):
        line = log.streams[number].lines[index].text
        shown = _TYPE.sub("", line.strip())
        if least <= len(shown) <= MAX_LENGTH and _FAILS.search(line) and not _CODE.search(shown):
            rests = _rests(shown, known)
            if rests:
                return [_with(log, number, index, line + rest) for rest in rests]
    for number, stream in enumerate(log.streams):
        index = next((i for i, line in enumerate(stream.lines[:MAX_LINES]) if line.text.strip()), -1)
        shown = stream.lines[index].text.strip() if index >= 0 else ""
        if TAIL <= len(shown) <= MAX_LENGTH and not _CODE.search(shown):
            wholes = _wholes(shown, known)
            if wholes:
                return [_with(log, number, index, whole) for whole in wholes]
    return []


def _with(log: Log, number: int, index: int, line: str) -> Log:
    """The log with another line of one stream."""
    stream = reread(log.streams[number], {index: line})
    return replace(log, streams=(*log.streams[:number], stream, *log.streams[number + 1 :]))


def _ends(log: Log) -> list[tuple[int, int, int]]:
    """Where a message may be cut (stream, line), and how long what is left must be: the last line of each rank, and what failed above it."""
    numbers = {id(stream): number for number, stream in enumerate(log.streams)}
    last = [(number, _last(stream)) for number, stream in enumerate(log.streams) if stream.lines]
    failed = [(numbers[id(failure.stream)], failure.index) for failure in failures(log)]
    ends = [(number, index, MIN_LENGTH) for number, index in last]
    ends += [(number, index, LONG) for number, index in failed if (number, index) not in last]
    return ends[:MAX_LINES]


def _last(stream: Stream) -> int:
    """The index of the last line that the program wrote."""
    least = max(0, len(stream.lines) - MAX_SKIPPED)
    return next((i for i in range(len(stream.lines) - 1, least, -1) if not _LAUNCHER.search(stream.lines[i].text)), least)


def _rests(shown: str, known: list[str]) -> list[str]:
    """How the examples go on after this beginning, each way once."""
    name = _OPEN_QUOTE.search(shown)
    if name and name.start() < LONG:  # "No module named 'x": the name that was cut decides
        return []
    for varies in _VARIES:
        pattern, literal = _pattern(shown, varies)
        rests = {line[match.end() :] for line in known if literal in line for match in [pattern.match(line)] if match}
        rests = {
            rest
            for rest in rests
            if rest.strip() and not _NAMES_LAST.search(rest) and (len(shown) >= LONG or (shown + rest)[len(shown) - 1 :][:2].isalnum())
        }
        if rests:
            return sorted(rests)
    return []


def _wholes(shown: str, known: list[str]) -> list[str]:
    """The messages of the examples that this is a later part of, each way once."""
    for varies in _VARIES:
        pattern, literal = _pattern(shown, varies)
        found = ((line, match) for line in known if literal in line for match in [pattern.search(line)] if match and match.start())
        wholes = {line[: match.start()] + shown + line[match.end() :] for line, match in found}
        if wholes:
            return sorted(wholes)
    return []


def _pattern(shown: str, varies: re.Pattern[str]) -> tuple[re.Pattern[str], str]:
    """What matches this part with other values in the places that vary, and its longest piece that does not: few lines hold that."""
    if varies is _VARIES[-1]:
        shown = _OPEN_QUOTE.sub("", shown)
    parts = []
    fixed = []
    end = 0
    for found in varies.finditer(shown):
        fixed.append(shown[end : found.start()])
        parts += [re.escape(fixed[-1]), r"\d+" if found[0].isdigit() else r"\S+"]
        end = found.end()
    fixed.append(shown[end:])
    return re.compile("".join([*parts, re.escape(fixed[-1])])), max(fixed, key=len)


def _lines(cause: Cause) -> Iterator[str]:
    for text in (*cause.examples, *cause.counterexamples):
        for line in text.splitlines():
            yield _TYPE.sub("", line.strip())
