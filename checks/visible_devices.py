"""CUDA_VISIBLE_DEVICES and its like name devices that exist.

Why: the driver reads the list from left to right and stops at the first entry that does not exist, without an error: "0,9,1" shows one
GPU. An empty list or -1 hides all. Indices follow CUDA_DEVICE_ORDER, UUIDs do not change.
Seen as: fewer GPUs than expected, "invalid device ordinal", "no CUDA-capable device is detected".
"""

from __future__ import annotations

from typing import Optional

from torchdoctor.api import Findings, Fix, check, fail, info, ok, skip, warn
from torchdoctor.facts import Devices, NvidiaDriver

NAME = "CUDA_VISIBLE_DEVICES"


def wrong_entry(value: str, driver: NvidiaDriver) -> Optional[str]:
    """The first entry that names no GPU of this machine, or None."""
    for entry in (part.strip() for part in value.split(",")):
        if entry.isdigit():
            if int(entry) >= len(driver.gpus):
                return entry
        elif entry.startswith("GPU-"):
            if not any((gpu.uuid or "").startswith(entry) for gpu in driver.gpus):
                return entry
        elif not entry.startswith("MIG-"):
            return entry
    return None


@check("TD306", group="device")
def visible_devices(devices: Devices, driver: NvidiaDriver) -> Findings:
    value = devices.visible.get(NAME)
    if value is None:
        yield skip(f"{NAME} is not set")
        return
    seen = [("env", f"{NAME}={value}"), ("nvml", f"{len(driver.gpus)} GPUs")]
    unset = Fix("Unset it or list existing GPUs, before Python starts.", (f"unset {NAME}",))
    if not driver.gpus:
        yield info(f"{NAME}={value} is set, and there is no NVIDIA GPU for it to name", seen)
    elif value.strip() in ("", "-1", "NoDevFiles"):
        yield warn(f"{NAME}={value!r} hides all {len(driver.gpus)} GPUs", seen, [unset], cause="cuda-visible-devices-wrong")
    elif (wrong := wrong_entry(value, driver)) is not None:
        yield fail(
            f"{NAME} names {wrong!r}, which does not exist: it and everything after it is ignored",
            seen,
            [unset],
            cause="cuda-visible-devices-wrong",
        )
    else:
        yield ok(f"{NAME}={value}", seen)
