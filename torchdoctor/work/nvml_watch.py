"""NVML beside the work: which GPU a torch device is, and its clocks, temperature and power while it works.

pynvml is the patient's own, else the doctor's, whose file the doctor names. Where there is neither, nothing is watched.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from typing import Any, Optional

import torch

from torchdoctor.probes.nvml import FIELD_MEMORY_TEMPERATURE, hides_processes
from torchdoctor.probes.nvml_asker import Asker
from torchdoctor.work.busy import why_busy
from torchdoctor.work.timing import index_of, kind_of


def load_pynvml(path: Optional[str] = None) -> Any:
    """The binding, initialised. ``path`` is the file to take where the patient has none. Raises what is in the way."""
    try:
        import pynvml
    except ImportError:
        if not path:
            raise
        spec = importlib.util.spec_from_file_location("pynvml", path)
        if spec is None or spec.loader is None:
            raise
        pynvml = importlib.util.module_from_spec(spec)
        sys.modules["pynvml"] = pynvml
        spec.loader.exec_module(pynvml)
    pynvml.nvmlInit()
    return pynvml


class Watch:
    """One GPU seen through NVML; ``why_not`` says why there is nothing to see, and every answer is None then."""

    def __init__(self, device: str, nvml: Any, handle: Any, why_not: str = "") -> None:
        self.device = device
        self.nvml = nvml
        self.handle = handle
        self.why_not = why_not
        self.asker = None if handle is None else Asker(nvml, handle)

    @classmethod
    def of(cls, device: str, path: Optional[str] = None) -> Watch:
        """For a torch device. Raises nothing."""
        if kind_of(device) != "cuda" or getattr(torch.version, "hip", None):
            return cls(device, None, None, "NVML knows NVIDIA GPUs only")
        try:
            nvml = load_pynvml(path)
        except ImportError:
            return cls(device, None, None, "there is no pynvml")
        except Exception as error:  # NVML's own word: not found, no driver, forbidden
            return cls(device, None, None, f"NVML: {error}")
        handle = find(nvml, torch.cuda.get_device_properties(index_of(device)))
        return cls(device, nvml, handle, "" if handle is not None else "NVML does not know this GPU")

    def busy(self) -> str:
        """Why this is no moment to measure, or an empty string."""
        return why_busy(self.device, self.nvml, self.handle, hides_processes())

    def ask(self, name: str, *arguments: object) -> Any:
        """The answer of ``nvmlDevice<name>``, or None."""
        return None if self.asker is None else self.asker.ask(name, *arguments)

    def sample(self) -> dict[str, Any]:
        """Clocks, temperatures, power and the reasons of low clocks at this moment: fields of ``LoadSample``."""
        if self.asker is None:
            return {}
        reasons = self.ask("GetCurrentClocksEventReasons")
        if reasons is None:  # the name before driver 535
            reasons = self.ask("GetCurrentClocksThrottleReasons")
        power = self.ask("GetPowerUsage")
        return {
            "clock_sm": self.ask("GetClockInfo", 1),
            "temperature": self.ask("GetTemperature", 0),
            "memory_temperature": self.asker.fields([FIELD_MEMORY_TEMPERATURE]).get(FIELD_MEMORY_TEMPERATURE) or None,
            "power": None if power is None else power / 1000,
            "reasons": reasons,
        }

    def limits(self) -> dict[str, Any]:
        """What the samples are judged by: fields of ``SustainedRun``."""
        power = self.ask("GetEnforcedPowerLimit")
        return {
            "watched": self.why_not or "nvml",
            "clock_sm_max": self.ask("GetMaxClockInfo", 1),
            "temperature_slowdown": self.ask("GetTemperatureThreshold", 1),
            "power_limit": None if power is None else power / 1000,
        }

    def replays(self) -> Optional[int]:
        """Repeated transfers of the PCI Express link since the driver was loaded."""
        count = self.ask("GetPcieReplayCounter")
        return None if count is None else int(count)


def find(nvml: Any, properties: Any) -> Any:
    """NVML's handle of the GPU with these properties of torch, or None: by its id, by its place on the bus, or as the only one."""
    uuid = str(getattr(properties, "uuid", "") or "")
    for name in (uuid, f"GPU-{uuid}", f"MIG-{uuid}") if uuid else ():
        with contextlib.suppress(Exception):
            return nvml.nvmlDeviceGetHandleByUUID(name)
    bus = getattr(properties, "pci_bus_id", None)
    if bus is not None:
        place = f"{getattr(properties, 'pci_domain_id', 0):08X}:{bus:02X}:{getattr(properties, 'pci_device_id', 0):02X}.0"
        with contextlib.suppress(Exception):
            return nvml.nvmlDeviceGetHandleByPciBusId(place)
    with contextlib.suppress(Exception):
        if nvml.nvmlDeviceGetCount() == 1:
            return nvml.nvmlDeviceGetHandleByIndex(0)
    return None
