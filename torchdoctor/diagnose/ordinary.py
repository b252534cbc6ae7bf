"""Failures that no cause explains: the person's own exception, in one process or in one rank of a job."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torchdoctor.causes import find
from torchdoctor.diagnose.evidence import message_line
from torchdoctor.diagnose.log import Event, Log, Stream
from torchdoctor.diagnose.match import Candidate, Hit
from torchdoctor.diagnose.place import OUTSIDE, lines_of, place_of
from torchdoctor.diagnose.rank import Found, is_bystander
from torchdoctor.diagnose.situation import Situation
from torchdoctor.model import Cause, Quote, Sign, Strength

SLUG = "user-error-in-rank"
MAX_UNRECOGNISED = 10
_GPU_WORDS = re.compile(
    r"\b(?:cuda|cudnn|cublas\w*|cusparse|cufft|nccl\w*|rccl|hip|rocm|gpus?|xpu|mps|npu|hpu|triton|device-side|gloo|c10d?|"
    r"ncclresult|processgroup\w*|tcpstore|rendezvous)\b|CUDA|NCCL",
    re.IGNORECASE,
)
_WRAPPER = re.compile(r"\bCaught (\w+) in ")
_ADVICE: Mapping[str, str] = {
    "FileNotFoundError": "Check the path: the file or data set it names is not there (on every node, relative to the directory the job starts in).",
    "NotADirectoryError": "Check the path: a part of it is a file and not a directory.",
    "IsADirectoryError": "Check the path: it names a directory where a file is expected.",
    "PermissionError": "Give the user that runs the job access to the file or path, or choose another path.",
    "ModuleNotFoundError": "Install the missing module into the environment of every node, or put its folder on PYTHONPATH.",
    "ImportError": "Install a version of the package that has the imported name, into the environment of every node.",
    "KeyError": "Look up a key that exists: print the keys of the dictionary, data row or configuration where the exception was raised.",
    "IndexError": "Check the length before the index is taken: the list, tensor or data set is shorter than the code expects.",
    "AttributeError": "Check the object's type where the exception was raised: it does not have this attribute (often it is None).",
    "TypeError": "Check the arguments of the call: their number, names or types are not those that the function takes.",
    "ValueError": "Check the value that the message names, where the exception was raised.",
    "AssertionError": "Check the condition of the assert: the data or the configuration does not fulfil it.",
    "NameError": "Define or import the name before it is used.",
    "ZeroDivisionError": "Check for an empty data set or a zero count before dividing.",
    "UnicodeDecodeError": "Open the data file with the encoding that it was written in.",
    "JSONDecodeError": "Check the file that is parsed: it is not valid JSON (empty, cut off, or another format).",
}


@dataclass(frozen=True)
class Failure:
    """A failure of one stream."""

    stream: Stream
    event: Event

    @property
    def rank(self) -> int | None:
        """Whose failure it is, where that is known."""
        line = self.stream.lines[self.event.last]
        return next((rank for rank in (self.event.rank, self.stream.rank, line.rank) if rank is not None), None)

    @property
    def index(self) -> int:
        """The index of the line with the message."""
        return message_line(self.stream, self.event)


def failures(log: Log) -> Iterable[Failure]:
    """Every failure that is one of its own: no launcher's summary, nothing that Python says it ignored."""
    for stream in log.streams:
        for event in stream.events:
            if event.via not in ("ignored", "summary") and event.kind != "exit":
                yield Failure(stream, event)


def covered(failure: Failure, found: Iterable[Found]) -> bool:
    """Whether a sign of one of the causes (or of what they explain) matched in the failure's lines.

    An echo counts only up to the line of the message: a launcher's summary may follow without a gap.
    """
    for one in found:
        end = failure.index if one.cause.consequence else failure.event.last
        for candidate in one.candidates:
            if candidate.stream.lines is not failure.stream.lines:
                continue
            for hit in candidate.hits:
                first, last = lines_of(candidate.stream, hit)
                if failure.event.first <= last and first <= end:
                    return True
        if covered(failure, one.explains):
            return True
    return False


def is_ordinary(event: Event) -> bool:
    """Whether it is an exception that a program raises on its own, with no word of accelerators or collectives in it."""
    name = event.type.rsplit(".", 1)[-1]
    if event.kind != "exception" or not name:
        return False
    return not _GPU_WORDS.search(f"{event.type} {event.message}") and not name.startswith(("Dist", "Nccl", "NCCL"))


def strange_failures(log: Log) -> list[Failure]:
    """The failures that are no exception of the program's own."""
    return [failure for failure in failures(log) if not is_ordinary(failure.event)]


def in_job(found: list[Found], log: Log, situation: Situation) -> list[Found]:
    """The causes with the person's own exception put where it belongs.

    Where no root was found and an ordinary exception is shown: in a job of several ranks it is the root, and what
    was found are its consequences; in a single process it is no matter of ours. A weak hint outside of every failure
    does not stand against an exception that nothing explains.
    """
    own = [failure for failure in failures(log) if is_ordinary(failure.event) and not covered(failure, found)]
    if not own:
        return found
    roots = [one for one in found if not one.cause.consequence and not is_bystander(one) and not _mere_hint(one)]
    if roots:
        return found
    echoes = [one for one in found if one.cause.consequence] + [echo for one in found for echo in one.explains]
    if not echoes and not several_ranks(log, situation):
        return []
    first = _first(own)
    cause = _own_error()
    candidate = _candidate(cause, first)
    others = [_candidate(cause, other) for other in own if other.rank != first.rank and other.event.type == first.event.type]
    result = Found(cause, [candidate, *others], echoes)
    result.decided = "the first exception that nothing else explains" if len(own) > 1 or echoes else ""
    return [result]


def _own_error() -> Cause:
    known = find(SLUG)
    if known is None:
        raise LookupError(f"the catalogue has no cause {SLUG}")
    return known[0]


def several_ranks(log: Log, situation: Situation) -> bool:
    """Whether the text is of a job with ranks: a prefix, a launcher's summary, a known world size."""
    if (situation.world_size or 0) > 1 or (situation.ranks_seen or 0) > 1:
        return True
    for stream in log.streams:
        if stream.rank is not None or any(event.via == "summary" or event.rank is not None for event in stream.events):
            return True
        if any(line.rank is not None for line in stream.lines):
            return True
    return False


def _mere_hint(one: Found) -> bool:
    """Whether a cause rests on weak signs that lie outside of every failure."""
    return one.strength == Strength.WEAK and all(place_of(c.stream, hit) <= OUTSIDE for c in one.candidates for hit in c.hits)


def _first(own: list[Failure]) -> Failure:
    """The exception that began: earliest in time where every line tells it, else in the order of the text; the original of a chain."""
    times = [failure.stream.lines[failure.index].time for failure in own]
    if all(times):
        first = min(zip(times, range(len(own))), key=lambda pair: (str(pair[0]), pair[1]))[1]
    else:
        first = min(range(len(own)), key=lambda i: (own[i].stream.lines[own[i].event.first].number, i))
    chosen = _unwrapped(own[first], own)
    chain = [other for other in own if other.stream is chosen.stream and other.event.chain == 0 and other.event.first >= chosen.event.first]
    return chain[0] if chosen.event.chain and chain else chosen


def _unwrapped(failure: Failure, own: list[Failure]) -> Failure:
    """The exception that a wrapper ("Caught KeyError in DataLoader worker process 0.") tells of, where the text shows it below."""
    wrapper = _WRAPPER.search(failure.event.message)
    below = (other for other in own if other.stream is failure.stream and other.event.first > failure.event.first)
    return next((other for other in below if wrapper and other.event.type.endswith(wrapper[1])), failure)


def _candidate(cause: Cause, failure: Failure) -> Candidate:
    """The person's own exception, with what a fix may say of it."""
    name = failure.event.type.rsplit(".", 1)[-1]
    message = " ".join(failure.event.message.split())
    groups = {"exception": name, "message": message[:160], "advice": _advice(name, message)}
    if failure.rank is not None:
        groups["rank"] = str(failure.rank)
        groups["which"] = f"rank {failure.rank}"
    return as_candidate(cause, failure, Strength.FAIR, groups)


def as_candidate(cause: Cause, failure: Failure, strength: Strength, groups: Mapping[str, str]) -> Candidate:
    """The failure as if a sign of the cause had matched its message line."""
    stream, index = failure.stream, failure.index
    start = stream.starts[index]
    end = start + len(" ".join(stream.lines[index].text.split()))
    hit = Hit(Sign(failure.event.type or "Error"), strength, start, end, groups)
    return Candidate(cause, strength, stream, start, end, groups, (hit,))


def _advice(name: str, message: str) -> str:
    """What to look at, by the type of the exception; a wrapper ("Caught KeyError in DataLoader worker") by the type it names."""
    inner = _WRAPPER.search(message)
    return _ADVICE.get(inner[1] if inner else name, "") or _ADVICE.get(name, "")


def unrecognised(found: list[Found], log: Log) -> tuple[Quote, ...]:
    """The failures that nothing found explains, at most a few; another rank's echo of a cause that was found is none."""
    quotes: list[Quote] = []
    with_cause = {id(candidate.stream.lines) for one in found for candidate in one.candidates}
    for failure in failures(log):
        if found and (id(failure.stream.lines) in with_cause or covered(failure, found)):
            continue
        quote = failure.stream.quote(failure.index)
        if quote.text not in {other.text for other in quotes}:
            quotes.append(quote)
    return tuple(quotes[:MAX_UNRECOGNISED])


def all_ordinary(found: list[Found], log: Log) -> bool:
    """Whether all that failed are exceptions of the program itself."""
    events = [failure.event for failure in failures(log)]
    return not found and bool(events) and all(map(is_ordinary, events))
