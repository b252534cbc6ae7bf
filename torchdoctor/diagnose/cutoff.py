"""A paste that ends in the middle of its last message: how that message goes on, where the catalogue's examples know it.

Terminals, chats and issue forms cut long texts, often through the one line that matters. The signs ask for whole phrases, so that a short one
cannot claim what it does not show. The examples hold the messages in full: the text is read once more with the rest of the line added.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from torchdoctor.diagnose.log import Log, Stream, reread
from torchdoctor.model import Cause

MIN_LENGTH = 12
"""Characters of a message below which its beginning says too little."""
LONG = 24
"""Characters from which on a message may also end between two words: a shorter one may be the whole of another message."""
MAX_LENGTH = 400
_FAILS = re.compile(
    r"error|exception|fail|warn|cannot|can't|could not|unable|abort|fatal|assert|detected|mismatch|\bnot\b|invalid|illegal|NVRM",
    re.IGNORECASE,
)
_TYPE = re.compile(r"^.{0,200}?(?:(?:Error|Exception|Warning|Failure)\s*:|\berror:|NCCL WARN|\[c10d\])\s+")
"""What stands before a message: the exception's type, or the part of the library that logs."""
_CODE = re.compile(r"^(?:File \"|[|│>~^-]|(?:return|raise|def|for|if|with|import|from)\b)|\)$|=\s*\w+\(")
_NUMBER = r"(?<![Ee]rror[ =])(?<![Ee]rror: )(?<!code[ =])(?<!code: )(?<!status[ =])(?<!\d)(?<!\): )\d+"
"""A number that is not the code of the failure itself: that one does not vary."""
_VARIES = (
    re.compile(r"(?!)"),
    re.compile(_NUMBER),
    re.compile(rf"{_NUMBER}|'[^' ]*'|\"[^\" ]*\"|`[^` ]*`|\S*[/\\]\S*"),
)
"""What may differ between the paste and an example: first nothing, then numbers, then also names in quotes and paths."""
_OPEN_QUOTE = re.compile(r"['\"`][^'\"` ]*$")


def completions(log: Log, causes: Iterable[Cause]) -> list[Log]:
    """The log with each way that its last line is known to go on; empty where the line is whole, no message, or not known."""
    for number, stream in enumerate(log.streams):
        index = _last(stream)
        shown = _TYPE.sub("", stream.lines[index].text.strip()) if stream.lines else ""
        if not MIN_LENGTH <= len(shown) <= MAX_LENGTH or not _FAILS.search(stream.lines[index].text) or _CODE.search(shown):
            continue
        line = stream.lines[index].text
        whole = [reread(stream, {index: line + rest}) for rest in _rests(shown, list(causes))]
        return [replace(log, streams=(*log.streams[:number], each, *log.streams[number + 1 :])) for each in whole]
    return []


def _last(stream: Stream) -> int:
    """The index of the last line that is not blank."""
    return next((i for i in range(len(stream.lines) - 1, 0, -1) if stream.lines[i].text.strip()), 0)


def _rests(shown: str, causes: list[Cause]) -> list[str]:
    """How the examples go on after this beginning, each way once."""
    for varies in _VARIES:
        pattern = _pattern(shown, varies)
        found = ((line, pattern.match(line)) for cause in causes for line in _lines(cause))
        rests = {line[match.end() :] for line, match in found if match}
        rests = {rest for rest in rests if rest.strip() and (len(shown) >= LONG or (shown + rest)[len(shown) - 1 :][:2].isalnum())}
        if rests:
            return sorted(rests)
    return []


def _pattern(shown: str, varies: re.Pattern[str]) -> re.Pattern[str]:
    """What matches this beginning with other values in the places that vary."""
    if varies is _VARIES[-1]:
        shown = _OPEN_QUOTE.sub("", shown)
    parts = []
    end = 0
    for found in varies.finditer(shown):
        parts += [re.escape(shown[end : found.start()]), r"\d+" if found[0].isdigit() else r"\S+"]
        end = found.end()
    return re.compile("".join([*parts, re.escape(shown[end:])]))


def _lines(cause: Cause) -> Iterator[str]:
    for text in (*cause.examples, *cause.counterexamples):
        for line in text.splitlines():
            yield _TYPE.sub("", line.strip())
