"""The devices that torch sees, and the first touch of each. Runs in a process of its own, so a context may break it."""

from __future__ import annotations

import os
import time
import warnings
from typing import Any, Optional

from torchdoctor.declare import probe
from torchdoctor.facts import Backend, Device, DeviceContext, Devices, DtypeRuns
from torchdoctor.facts.base import failure_of

VISIBILITY = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")


def _available(module: Any) -> tuple[bool, str]:
    """Whether a backend says that it is available, and the warnings and errors with which it says no."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            available = bool(module.is_available())
        except Exception as error:
            return False, f"{type(error).__name__}: {error}"
    said = [str(w.message) for w in caught]
    if not available and hasattr(module, "init"):
        try:
            module.init()
        except Exception as error:  # the error says more than the False
            said.append(f"{type(error).__name__}: {error}")
    return available, "\n".join(said)


def _cuda_device(torch: Any, index: int) -> Device:
    try:
        properties = torch.cuda.get_device_properties(index)
    except Exception as error:
        return Device(f"cuda:{index}", "cuda", failure=failure_of(error))
    architecture = str(getattr(properties, "gcnArchName", "")).split(":")[0]
    rocm = bool(getattr(torch.version, "hip", None))
    return Device(
        f"cuda:{index}",
        "cuda",
        model=properties.name,
        memory=properties.total_memory,
        capability=architecture if rocm else f"{properties.major}.{properties.minor}",
        uuid=str(getattr(properties, "uuid", "") or "") or None,
    )


def _other_device(torch: Any, kind: str, index: int) -> Device:
    module = getattr(torch, kind, None)
    try:
        properties = module.get_device_properties(index)  # type: ignore[union-attr]
        return Device(f"{kind}:{index}", kind, model=getattr(properties, "name", None), memory=getattr(properties, "total_memory", None))
    except Exception:  # out-of-tree backends need not describe their devices
        return Device(f"{kind}:{index}", kind)


def _backend(torch: Any, kind: str, module: Any, built: bool) -> Backend:
    if module is None:
        return Backend(kind, built, False)
    available, why_not = _available(module) if built else (False, "")
    count = 0
    if available:
        count = 1 if kind == "mps" else int(module.device_count())
    return Backend(kind, built, available, count, "" if available else why_not)


@probe(lane="device", timeout=60)
def devices() -> Devices:
    """Ask each backend that this torch knows; a lost device hides nothing of the others."""
    import torch

    version = torch.version
    cuda = _backend(torch, "cuda", torch.cuda, bool(version.cuda or getattr(version, "hip", None)))
    backends = [cuda]
    mps = getattr(torch.backends, "mps", None)
    backends.append(_backend(torch, "mps", mps, bool(mps and mps.is_built())))
    xpu = getattr(torch, "xpu", None)
    backends.append(_backend(torch, "xpu", xpu, bool(getattr(version, "xpu", None) or (xpu and hasattr(torch._C, "_xpu_getDeviceCount")))))
    extra = getattr(torch._C, "_get_privateuse1_backend_name", lambda: "privateuseone")()
    if extra != "privateuseone":
        backends.append(_backend(torch, extra, getattr(torch, extra, None), True))
    found = [Device("cpu", "cpu")]
    for backend in backends:
        for index in range(backend.count):
            found.append(_cuda_device(torch, index) if backend.kind == "cuda" else _other_device(torch, backend.kind, index))
    visible = {name: os.environ[name] for name in VISIBILITY if name in os.environ}
    return Devices(tuple(backends), tuple(found), visible)


def _free_memory(torch: Any, device: str) -> Optional[int]:
    module = getattr(torch, device.split(":")[0], None)
    try:
        return int(module.mem_get_info(device)[0])  # type: ignore[union-attr]
    except Exception:  # only some backends can say
        return None


@probe(lane="device", timeout=60, each=Devices)
def device_context(device: str) -> DeviceContext:
    """Make a small tensor on the device, compute with it and read it back."""
    import torch

    started = time.perf_counter()
    try:
        ones = torch.ones(4, 4, device=device)
        product = (ones @ ones).cpu()
        worked = bool((product == 4).all())
    except Exception as error:
        return DeviceContext(device, False, seconds=time.perf_counter() - started, failure=failure_of(error))
    return DeviceContext(device, worked, _free_memory(torch, device), time.perf_counter() - started)


@probe(lane="device", timeout=60, each=Devices)
def dtype_runs(device: str) -> DtypeRuns:
    """Really use bfloat16 and float16, whatever torch says of their support."""
    import torch

    from torchdoctor.work.dtypes import probe_dtype

    claimed = None
    if device.startswith("cuda"):
        try:
            claimed = bool(torch.cuda.is_bf16_supported())
        except Exception:  # the answer is only said beside what really happened
            claimed = None
    return DtypeRuns(device, probe_dtype(device, "bfloat16"), probe_dtype(device, "float16"), claimed)
