"""Read Xid and SXid events out of kernel log lines."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Optional

from torchdoctor import gpu_tables
from torchdoctor.facts import KernelLine

_XID = re.compile(r"(?<!S)Xid \((?:PCI:)?([0-9a-f:.]+)[^)]{0,40}\): (\d{1,4})(?:, ?(.{0,600}))?", re.IGNORECASE)
_SXID = re.compile(r"SXid \((?:PCI:)?([0-9a-f:.]+)[^)]{0,40}\): (\d{1,6})(?:, ?(.{0,600}))?", re.IGNORECASE)
_STATUS = re.compile(r"\((0x[0-9a-f]+) (0x[0-9a-f]+)", re.IGNORECASE)
_FATAL = re.compile(r"(?<!non)(?<!non-)fatal", re.IGNORECASE)
_CHANGED_TO = re.compile(r"to 0x[0-9a-f]+ \(([^)]{1,60})\)", re.IGNORECASE)
_WORSE = ("nothing", "restart-program", "configure", "reset-gpu", "reboot", "power-cycle", "inspect")


@dataclass(frozen=True)
class Event:
    """One Xid or SXid: the bus id as in /sys without the function ("0000:18:00"), its number, and the rest of the line."""

    bus_id: str
    number: int
    text: str
    line: str
    age: Optional[float] = None


def _events(pattern: re.Pattern[str], lines: Iterable[KernelLine]) -> list[Event]:
    found = []
    for line in lines:
        match = pattern.search(line.text)
        if match:
            found.append(Event(bus_key(match[1]), int(match[2]), match[3] or "", line.text, line.age))
    return found


def bus_key(text: str) -> str:
    """A bus id without its function, with four digits of domain: the form that all sources can be brought to."""
    parts = text.lower().partition(".")[0].split(":")
    domain = parts[-3][-4:].rjust(4, "0") if len(parts) > 2 else "0000"
    return ":".join([domain, *parts[-2:]])


def xid_events(lines: Iterable[KernelLine]) -> list[Event]:
    """All Xid events, oldest first."""
    return _events(_XID, lines)


def sxid_events(lines: Iterable[KernelLine]) -> list[Event]:
    """All SXid events of NVSwitches, oldest first."""
    return _events(_SXID, lines)


def action_of(event: Event) -> str:
    """The action that an Xid asks for, by its number, its unit and status (144 to 150), or its own words (154)."""
    if event.number == 154:
        return _recovery(event.text)
    if 144 <= event.number <= 150:
        return _of_nvlink5(event)
    known = gpu_tables.xids().get(event.number)
    return known.action if known else "inspect"


def _recovery(text: str) -> str:
    found = _CHANGED_TO.search(text)
    words = found[1].lower() if found else ""
    if "reboot" in words:
        return "reboot"
    return "reset-gpu" if "reset" in words or "drain" in words else "nothing"


def _of_nvlink5(event: Event) -> str:
    unit = event.text.split(None, 1)[0].strip(",") if event.text.strip() else ""
    status = _STATUS.search(event.text)
    code = int(status[2], 16) if status else None
    actions = {
        action for number, units, value, action in gpu_tables.nvlink5() if number == event.number and unit in units and value == code
    }
    fatal = bool(_FATAL.search(event.text))
    action = max(actions, key=_WORSE.index, default="nothing")
    return "reset-gpu" if fatal and action == "nothing" else action  # the line's own word is newer than the table
