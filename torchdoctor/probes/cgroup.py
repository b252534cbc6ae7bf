"""Limits of the control group, version 1 and 2: the tightest of this process's group and its ancestors."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

ROOT = Path("/sys/fs/cgroup")
UNLIMITED_V1 = 1 << 60  # version 1 says "unlimited" as a huge number


def _read(path: Path) -> Optional[str]:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def folders(controller: str, groups: Optional[str] = None, root: Path = ROOT) -> list[Path]:
    """The folders of this process's group for a controller, itself first, then its ancestors. ``groups`` is /proc/self/cgroup."""
    text = groups if groups is not None else _read(Path("/proc/self/cgroup")) or ""
    place, base = "/", root
    for line in text.splitlines():
        number, names, path = ([*line.split(":", 2), "", ""])[:3]
        if controller in names.split(","):
            place, base = path, root / names if (root / names).is_dir() else root / controller
            break
        if number == "0":
            place = path
    found = []
    here = base / place.strip("/")
    while True:
        if here.is_dir():
            found.append(here)
        if here == base or base not in here.parents:
            break
        here = here.parent
    return found or [base]


def tightest(
    controller: str, names: tuple[str, str], groups: Optional[str] = None, root: Path = ROOT
) -> tuple[Optional[int], Optional[Path]]:
    """The lowest limit in any of these files (version 2's name, version 1's name) and the folder that sets it."""
    best: tuple[Optional[int], Optional[Path]] = (None, None)
    for folder in folders(controller, groups, root):
        for name in names:
            text = _read(folder / name)
            if text and text.isdigit() and int(text) < UNLIMITED_V1 and (best[0] is None or int(text) < best[0]):
                best = (int(text), folder)
    return best


def number(folder: Optional[Path], *names: str) -> Optional[int]:
    """The number in the first of these files that has one."""
    for name in names:
        text = _read(folder / name) if folder else None
        if text and text.isdigit():
            return int(text)
    return None


def cpu_quota(groups: Optional[str] = None, root: Path = ROOT) -> Optional[float]:
    """How many CPUs' worth of time the group may use, or None where it is not limited."""
    quotas = []
    for folder in folders("cpu", groups, root):
        words = (_read(folder / "cpu.max") or "").split()
        if len(words) == 2 and words[0].isdigit():
            quotas.append(int(words[0]) / int(words[1]))
        quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        if quota and period and quota.isdigit() and int(period):
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)
