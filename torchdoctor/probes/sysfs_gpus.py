"""AMD and Intel GPUs through /sys: no vendor's package or program is needed."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Optional

from torchdoctor.declare import probe
from torchdoctor.facts import SysfsGpu, SysfsGpus
from torchdoctor.probes.bus import VENDORS


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> Optional[int]:
    text = _read(path)
    return int(text) if re.fullmatch(r"-?\d{1,19}", text) else None


def _errors(folder: Path) -> tuple[Optional[int], Optional[int]]:
    """Uncorrected and corrected errors of all blocks: files with the lines "ue: 0" and "ce: 0"."""
    uncorrected = corrected = None
    for file in folder.glob("*_err_count"):
        counts = dict(re.findall(r"^(ue|ce): (\d{1,18})", _read(file), re.MULTILINE))
        if "ue" in counts:
            uncorrected = (uncorrected or 0) + int(counts["ue"])
        if "ce" in counts:
            corrected = (corrected or 0) + int(counts["ce"])
    return uncorrected, corrected


def _temperature(device: Path) -> tuple[Optional[float], Optional[float]]:
    """The sensor that is nearest to its own critical temperature."""
    nearest: Optional[tuple[float, float]] = None
    for file in device.glob("hwmon/hwmon*/temp*_input"):
        now, limit = _number(file), _number(file.with_name(file.name.replace("_input", "_crit")))
        if now is not None and limit and (nearest is None or limit - now < nearest[1] - nearest[0]):
            nearest = (now, limit)
    return (nearest[0] / 1000, nearest[1] / 1000) if nearest else (None, None)


def architectures(root: Path) -> dict[str, str]:
    """The architecture of each AMD GPU by bus id, from ROCm's topology: gfx_target_version 90402 is gfx942."""
    found = {}
    for file in (root / "sys/class/kfd/kfd/topology/nodes").glob("*/properties"):
        values = dict(re.findall(r"^(\w+) (\d{1,20})$", _read(file), re.MULTILINE))
        version, location = int(values.get("gfx_target_version", 0)), int(values.get("location_id", 0))
        if version:
            bus = f"{int(values.get('domain', 0)):04x}:{location >> 8 & 255:02x}:{location >> 3 & 31:02x}.{location & 7}"
            found[bus] = f"gfx{version // 10000}{version // 100 % 100:x}{version % 100:x}"
    return found


def gpus(root: Path) -> tuple[SysfsGpu, ...]:
    """All cards of AMD and Intel that a graphics driver has taken."""
    known = architectures(root)
    found = []
    for card in sorted((root / "sys/class/drm").glob("card[0-9]*")):
        device = card / "device"
        vendor = VENDORS.get(_read(device / "vendor"))
        if "-" in card.name or vendor not in ("amd", "intel"):
            continue
        slot = device.resolve().name
        node = next((p.name for p in sorted(device.glob("drm/renderD*"))), None)
        path = f"/dev/dri/{node}" if node else None
        uncorrected, corrected = _errors(device / "ras")
        temperature, limit = _temperature(device)
        found.append(
            SysfsGpu(
                slot,
                vendor,
                (device / "driver").resolve().name if (device / "driver").exists() else None,
                path,
                os.access(root / path.lstrip("/"), os.R_OK | os.W_OK) if path else None,
                known.get(slot),
                _number(device / "mem_info_vram_total"),
                _number(device / "mem_info_vram_used"),
                _number(device / "gpu_busy_percent"),
                uncorrected,
                corrected,
                temperature,
                limit,
                _read(device / "vbios_version") or None,
            )
        )
    return tuple(found)


def sysfs_gpus(root: Path) -> SysfsGpus:
    """Everything under this root folder."""
    kfd = root / "dev/kfd"
    there = kfd.exists()
    return SysfsGpus((root / "sys/class").is_dir(), gpus(root), there, os.access(kfd, os.R_OK | os.W_OK) if there else None)


@probe(lane="host", timeout=10)
def read_sysfs_gpus() -> SysfsGpus:
    """AMD and Intel GPUs, through /sys (Linux)."""
    if not sys.platform.startswith("linux"):
        return SysfsGpus(known=False)
    return sysfs_gpus(Path("/"))
