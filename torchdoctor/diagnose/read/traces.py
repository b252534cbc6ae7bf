"""Find Python tracebacks: their frames, their last line, and how they are chained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from torchdoctor.diagnose.log import Frame
from torchdoctor.diagnose.read.draft import Draft
from torchdoctor.diagnose.read.frames import Heading, heading_of
from torchdoctor.diagnose.read.lazy import Lazy
from torchdoctor.diagnose.read.messages import final_line, gather, is_stop

_HEADER = Lazy(r"(.{0,400}?)(Original |Exception Group )?Traceback\s{0,2}[\(（][^()（）\n]{3,60}[\)）]\s?[:：]?\s*$", "Traceback")
_ARROW = Lazy(r"\s{0,8}(?:-{1,8}>|[❱>])\s{0,8}(?:\[?(\d{1,9})\]?(?:\([^)\n]{0,200}\))?)(?:\s(.*))?$", ">", "❱")
_NUMBERED = Lazy(r"\s{0,16}(?:\[\d{1,9}\]\([^)\n]{0,200}\)|\d{1,9})(?:\s|$)")
_SKIPPED = Lazy(
    r"\s{0,12}(?:\[Previous line repeated|\d{1,6} frames\s*$|\.\.\.|\[\.\.\.|\(\.\.\.|.{0,20}skipping similar frames|[│└├]|\(\d{1,6} )"
)
_THREAD = Lazy(r"\s{0,8}(?:Current thread|Thread) 0x[0-9a-fA-F]{1,20}.{0,100}most recent call first", "most recent call first")
_FATAL = Lazy(r"\s{0,8}(?:Fatal Python error: (.{1,300})|Windows fatal exception: (.{1,200}))$", "atal")
_SPAWN = Lazy(r"\s{0,8}-- Process (\d{1,6}) terminated with the following error", "-- Process ")
_AFTER = ("During handling of the above exception", "The above exception was the direct cause")
_LOOK_AHEAD = 5


class _Frames:
    """The frames of one traceback while its lines are read."""

    def __init__(self) -> None:
        self.done: list[Frame] = []
        self.heading: Optional[Heading] = None
        self.line = 0
        self.code = ""
        self.trailing = 0

    def open(self, heading: Heading) -> None:
        self.close()
        self.heading, self.line, self.code = heading, heading.line, ""

    def close(self) -> None:
        if self.heading is not None:
            self.done.append(Frame(self.heading.path, self.line, self.heading.function, self.code.strip()))
        self.heading = None

    def arrow(self, number: str, code: str) -> None:
        if self.heading is not None and (self.line == 0 or self.line == int(number) or self.heading.path.startswith("<cell")):
            self.line = int(number)
            self.code = code


def _only_marks(text: str) -> bool:
    return not text.strip("^~ \t\n")


def _next_filled(texts: Sequence[str], index: int) -> int:
    for place in range(index, min(len(texts), index + 4)):
        if texts[place].strip():
            return place
    return -1


def _goes_on(texts: Sequence[str], index: int) -> bool:
    """Whether a frame or a last line follows soon without a blank line."""
    for text in texts[index + 1 : index + 1 + _LOOK_AHEAD]:
        if not text.strip():
            return False
        if heading_of(text) or final_line(text):
            return True
    return False


def _read_frames(texts: Sequence[str], index: int) -> tuple[list[Frame], int, Optional[tuple[str, str]]]:
    """Frames from ``index`` on, the index where they end, and the last line's type and message when it stands there."""
    state = _Frames()
    loose = 0
    while index < len(texts):
        text = texts[index]
        heading = heading_of(text)
        if heading:
            state.open(heading)
            index += 1
            loose = 0
            continue
        if not text.strip():
            following = _next_filled(texts, index)
            if following < 0:
                break
            ahead = texts[following]
            if heading_of(ahead) or final_line(ahead) or _ARROW.match(ahead) or _is_numbered(state, ahead):
                index = following
                continue
            break
        step = _body_line(state, texts, index)
        if step == "code":
            index += 1
            continue
        final = final_line(text, sure=bool(state.done or state.heading))
        if final:
            state.close()
            return state.done, index, final
        if step == "loose" and loose < _LOOK_AHEAD:
            loose += 1
            index += 1
            continue
        break
    state.close()
    return state.done, index, None


def _is_numbered(state: _Frames, text: str) -> bool:
    """Whether the line is one of the numbered source lines that IPython and rich show."""
    if state.heading is None or not _NUMBERED.match(text):
        return False
    return state.heading.style == "ipython" or text.startswith("     ")


def _body_line(state: _Frames, texts: Sequence[str], index: int) -> str:
    """What a line below a heading is: "code" (also annotations), "loose" (perhaps code), or "" (something else)."""
    text = texts[index]
    if _only_marks(text) or _SKIPPED.match(text):
        return "code"
    if state.heading is None:
        return ""
    if (arrow := _ARROW.match(text)) and arrow[1]:
        state.arrow(arrow[1], arrow[2] or "")
        return "code"
    if state.heading.style == "pytest":
        return ""
    if _is_numbered(state, text):
        return "code"
    indent = len(text) - len(text.lstrip())
    if indent > state.heading.indent:
        state.code = state.code or text.strip()
        return "code"
    if final_line(text):
        return ""
    if not state.code and state.heading.style == "python" and not final_line(text, sure=True) and not is_stop(text):
        state.code = text.strip()
        return "code"
    return "loose" if _goes_on(texts, index) else ""


class Traces:
    """Walks over the lines of a stream; ``drafts`` and ``taken`` (per line: belongs to a traceback) are the result."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.drafts: list[Draft] = []
        self.taken = bytearray(len(texts))
        self._group = 0
        self._link = ""  # how the next exception relates to the one before: "wraps", "inside" or ""
        self._rank: Optional[int] = None
        self._via = ""
        index = 0
        while index < len(texts):
            index = self._step(index)

    def _step(self, index: int) -> int:
        text = self.texts[index]
        if "Traceback" in text and (header := _HEADER.match(text)):
            return self._traceback(index, header[1].strip(), (header[2] or "").strip())
        if text.lstrip().startswith(_AFTER):
            self._link = "wraps"
            self.taken[index] = 1
        elif text.startswith("During a group:"):
            self._link = "inside"
        elif spawn := _SPAWN.match(text):
            self._link, self._rank = "inside", int(spawn[1])
            self.taken[index] = 1
        elif text.lstrip().startswith("Exception ignored in"):
            self._via = "ignored"
        elif text.startswith("multiprocessing.pool.RemoteTraceback"):
            return self._add(Draft("exception", "multiprocessing.pool.RemoteTraceback", "", index, index), index + 1)
        elif fatal := _FATAL.match(text):
            return self._fatal(index, (fatal[1] or fatal[2]).strip())
        elif _THREAD.match(text):
            return self._skip_threads(index)
        elif heading_of(text):
            return self._bare(index)
        elif text.strip() and text.strip() != '"""' and not self.taken[index]:
            self._link = "" if self._link == "ray" else self._link
        return index + 1

    def _add(self, draft: Draft, after: int) -> int:
        if self._link in ("wraps", "inside", "ray") and self.drafts:
            group = [old for old in self.drafts[-60:] if old.group == self._group]
            levels = [old.level for old in group] or [0]
            draft.level = max(levels) + 1 if self._link == "wraps" else min(levels) - 1
        else:
            self._group += 1
        draft.group = self._group
        draft.rank = self._rank
        draft.via = self._via
        self.drafts.append(draft)
        self._link, self._via = "", ""
        for place in range(draft.first, min(draft.last + 1, len(self.taken))):
            self.taken[place] = 1
        if draft.type.rsplit(".", 1)[-1].startswith(("RayTaskError", "RayActorError", "RemoteTraceback", "ProcessRaisedException")) or (
            draft.message.startswith("Caught ") and " in " in draft.message[:200]
        ):
            self._link = "ray"
            draft.via = "worker"
        else:
            self._rank = None
        return max(after, draft.last + 1)

    def _traceback(self, index: int, before: str, kind: str) -> int:
        if kind == "Original" and self.drafts:
            self._link = "inside"
        frames, end, final = _read_frames(self.texts, index + 1)
        named = final_line(before) if before and " " not in before else None
        if not frames and final is None and named is None:
            self.taken[index] = 1
            return index + 1
        return self._close(index, frames, end, final or named, final is not None)

    def _close(self, first: int, frames: list[Frame], end: int, final: Optional[tuple[str, str]], there: bool) -> int:
        name, message = final or ("", "")
        last = end - 1
        if there:
            message, last = gather(self.texts, end + 1, message)
            last = max(last, end)
        while last > first and not self.texts[min(last, len(self.texts) - 1)].strip():
            last -= 1
        return self._add(Draft("exception", name, message, first, last, frames), end if not there else last + 1)

    def _bare(self, index: int) -> int:
        """Frames without a header: the copied end of a traceback."""
        frames, end, final = _read_frames(self.texts, index)
        if final is None and len(frames) == 1 and frames[0].path.startswith("<cell"):
            self.taken[index] = 1
        return max(self._close(index, frames, end, final, final is not None), index + 1)

    def _skip_threads(self, index: int) -> int:
        frames, end, _ = _read_frames(self.texts, index + 1)
        for place in range(index, end):
            self.taken[place] = 1
        if self.drafts and self.drafts[-1].kind == "fatal" and not self.drafts[-1].frames:
            draft = self.drafts[-1]
            draft.frames, draft.last = list(reversed(frames)), max(draft.last, end - 1)
        return max(end, index + 1)

    def _fatal(self, index: int, what: str) -> int:
        name, _, rest = what.partition(": ")
        self._link = ""
        return self._add(Draft("fatal", name, rest or what, index, index), index + 1)
