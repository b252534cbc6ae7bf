"""Prefixes that say of themselves what they are: ``[rank3]:``, ``(Actor pid=1)``, ``[1,3]<stderr>:``, RFC 3339 times."""

from __future__ import annotations

from typing import Callable, Optional

from torchdoctor.diagnose.read.lazy import Lazy
from torchdoctor.diagnose.read.row import Row

_RANK = Lazy(r"\[(?:rank|default|trainer|worker|train|RANK|Rank|local_rank)[ =]?(\d{1,6})\](?::\s?|\|\s?|\s(?=Traceback|\s{1,3}File ))")
_RANK_WORD = Lazy(r"\[(?:rank|RANK|Rank|global_rank)[:= ]{1,2}(\d{1,6})(?:/\d{1,6})?\]:?\s")
_MPI = Lazy(r"\[(?:[\w.-]{1,80}@)?\d{1,7},(?:mpirank:)?(\d{1,6})(?:,([\w.-]{1,64}))?\]<std(?:err|out|diag)>:\s?", "<std")
_GLOO_RUN = Lazy(r"\[(\d{1,6})\]<std(?:err|out)>:\s?", "<std")
_GPU_HOST = Lazy(r"\[([A-Za-z][\w.-]{0,63}):(\d{1,4})\]:\s?", "]:")
_POD = Lazy(r"\[pod/([^\]/\s]{1,120})/[^\]\s]{1,120}\]\s?", "[pod/")
_PID = Lazy(r"\(([A-Za-z_][^()\n]{0,100}?)?[\s,]{0,2}\bpid=(\d{1,9})([^()\n]{0,100})\)\s?", "pid=")
_HEAD = Lazy(r"\((?:raylet|autoscaler|head|worker\d{1,5}|gcs_server)(?:[ ,][^()\n]{0,100})?\)\s", "(")
_TIME = Lazy(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)(?:\s(?:stdout|stderr)\s[FP])?(?:\s|$)", "T")
_CRI = Lazy(r"(?:stdout|stderr) [FP] ", "std")
_JOURNAL = Lazy(
    r"([A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,6})?) ([\w.-]{1,64}) ((?:kernel|[\w./@:-]{1,80}\[\d{1,9}\]))(: )"
)
_PYTEST = Lazy(r"E {3,}(?=[\w'\"(+?-])", "E   ")
_WORD_RANK = Lazy(r"(?:rank|RANK)[_ ]?(\d{1,6})(?::\s?|\s?\|\s?)(?=\S|\s)")
_REPEATED = Lazy(r"\s?\[repeated \d{1,7}x across (?:cluster|all nodes)[^\]\n]{0,200}\]\s*$", "[repeated ")
_REPEATED_HEAD = Lazy(r"\[repeated \d{1,7}x across (?:cluster|all nodes)[^\]\n]{0,200}\]\s*", "[repeated ")
_TIME_NOTED = Lazy(
    r"\[?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d "
    r"\d\d:\d\d:\d\d \d{4}|\d\d:\d\d:\d\d(?:[.,]\d{1,6})?)\]?[\s|,:-]"
)
_GLOG_TIME = Lazy(r"\[?[EWIF](\d{3,4} \d\d:\d\d:\d\d\.\d{3,9})\s")
_IN_PID_RANK = Lazy(r"\brank=(\d{1,6})|_TP(\d{1,4})\b|\bRank(\d{1,4})\b", "rank=", "_TP", "Rank")
_IN_PID_HOST = Lazy(r"\bip=([\w.:-]{1,60})", "ip=")


def _set_rank(row: Row, found: str) -> None:
    row.rank = int(found)


def _square(row: Row) -> Optional[int]:
    text = row.text
    if "]:" not in text[:200] and "rank" not in text[:60].lower() and "<std" not in text and "[pod/" not in text:
        return None
    if found := _RANK.match(text):
        _set_rank(row, found[1])
    elif found := _MPI.match(text):
        _set_rank(row, found[1])
        row.host = found[2] or row.host
    elif (found := _GLOO_RUN.match(text)) or (found := _RANK_WORD.match(text)):
        _set_rank(row, found[1])
    elif found := _POD.match(text):
        row.host = row.process = found[1]
    elif found := _GPU_HOST.match(text):
        row.host, row.process = found[1], f"{found[1]}:{found[2]}"
    return found.end() if found else None


def _round(row: Row) -> Optional[int]:
    found = _PID.match(row.text)
    if not found:
        found = _HEAD.match(row.text)
        return found.end() if found else None
    name, pid, rest = (found[1] or "").strip(), found[2], found[3]
    row.process = f"{name} pid={pid}".strip()
    inner = _IN_PID_RANK.search(f"{name} {rest}")
    if inner:
        _set_rank(row, inner[1] or inner[2] or inner[3])
    host = _IN_PID_HOST.search(f"{name} {rest}")
    if host:
        row.host = host[1]
    return found.end()


def _digit(row: Row) -> Optional[int]:
    found = _TIME.match(row.text)
    if not found:
        return None
    row.time = found[1]
    return found.end()


def _letter(row: Row) -> Optional[int]:
    text = row.text
    if text.startswith("E   ") and (found := _PYTEST.match(text)):
        return found.end()
    if text[0] in "rR" and (found := _WORD_RANK.match(text)):
        _set_rank(row, found[1])
        return found.end()
    if text[:4] in ("stdo", "stde") and (found := _CRI.match(text)):
        return found.end()
    if found := _JOURNAL.match(text):
        row.time, row.host = found[1], found[2]
        return found.start(3) if found[3] == "kernel" else found.end()
    return None


_BY_FIRST: dict[str, Callable[[Row], Optional[int]]] = {"[": _square, "(": _round}


def strip_sure(row: Row) -> None:
    """Take off, in place, every prefix that is unmistakable, and note rank, host, process and time. At most eight of them."""
    for _ in range(8):
        text = row.text
        if not text:
            return
        first = text[0]
        step = _BY_FIRST.get(first)
        if step is None:
            step = _digit if first.isdigit() else _letter if first.isalpha() else None
        end = step(row) if step else None
        if end is None:
            break
        row.text = text[end:]
    if "[repeated " in row.text:
        row.text = _REPEATED_HEAD.sub("", _REPEATED.sub("", row.text))
    if row.time is None and row.text:
        noted = _TIME_NOTED.match(row.text) or _GLOG_TIME.match(row.text)
        row.time = noted[1] if noted else None


_MIDDLE = Lazy(r"(?<=[^\s\[])(?=\[(?:rank|default)\d{1,6}\]:)|(?<=\S\s)(?=\[(?:rank|default)\d{1,6}\]:(?!\[))", "[rank", "[default")


def split_garbled(row: Row) -> list[Row]:
    """The pieces of a line into which several ranks wrote; the row alone where only one did."""
    text = row.text
    if text.find("]:", 8) < 0 or not _MIDDLE.possible(text[1:]):
        return [row]
    cuts = [0, *(found.start() for found in _MIDDLE.compiled.finditer(text)), len(text)]
    return [row.piece(text[start:end]) for start, end in zip(cuts, cuts[1:]) if end > start]
