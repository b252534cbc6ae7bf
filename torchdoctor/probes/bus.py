"""What hangs on the PCI bus, which device files exist, and what NVML says: all without torch."""

from __future__ import annotations

import glob
import os
import re
import sys
from pathlib import Path
from typing import Optional

from torchdoctor.declare import probe
from torchdoctor.facts import Bus, NvidiaDriver, NvidiaGpu, PciDevice

VENDORS = {"0x10de": "nvidia", "0x1002": "amd", "0x8086": "intel"}
CLASSES = ("0x0300", "0x0302", "0x0380", "0x1200")  # VGA, 3D controller, display controller, processing accelerator


def _word(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def pci_devices(root: str = "/sys/bus/pci/devices") -> tuple[PciDevice, ...]:
    """Display and accelerator devices of the known vendors."""
    found = []
    for folder in sorted(Path(root).glob("*")):
        vendor = VENDORS.get(_word(folder / "vendor"))
        if vendor and _word(folder / "class")[:6] in CLASSES:
            driver = os.path.basename(os.path.realpath(folder / "driver")) if (folder / "driver").exists() else None
            found.append(PciDevice(folder.name, vendor, _word(folder / "device"), driver))
    return tuple(found)


@probe(lane="host", timeout=10)
def read_bus() -> Bus:
    """GPUs on the bus, whether or not any driver knows them (Linux)."""
    if not sys.platform.startswith("linux"):
        return Bus(known=False)
    kfd = os.path.exists("/dev/kfd")
    return Bus(
        known=os.path.isdir("/sys/bus/pci/devices"),
        devices=pci_devices(),
        nvidia_nodes=tuple(sorted(glob.glob("/dev/nvidia*"))),
        kfd=kfd,
        kfd_writable=os.access("/dev/kfd", os.R_OK | os.W_OK) if kfd else None,
        dxg=os.path.exists("/dev/dxg"),
    )


def _kernel_module() -> Optional[str]:
    found = re.search(r"Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s", _word(Path("/proc/driver/nvidia/version")))
    return found[1] if found else None


def _word_of(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _gpu(index: int) -> NvidiaGpu:
    """One GPU; one that is lost says so and hides nothing of the others."""
    import pynvml

    def ask(name: str, *arguments: object) -> object:
        try:
            return getattr(pynvml, name)(*arguments)
        except (pynvml.NVMLError, AttributeError):
            return None

    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    except pynvml.NVMLError as error:
        return NvidiaGpu(index, error=str(error))
    memory = ask("nvmlDeviceGetMemoryInfo", handle)
    capability = ask("nvmlDeviceGetCudaComputeCapability", handle)
    name, uuid = ask("nvmlDeviceGetName", handle), ask("nvmlDeviceGetUUID", handle)
    return NvidiaGpu(
        index,
        name=None if name is None else _word_of(name),
        uuid=None if uuid is None else _word_of(uuid),
        memory_total=getattr(memory, "total", None),
        memory_used=getattr(memory, "used", None),
        capability=".".join(map(str, capability)) if isinstance(capability, (tuple, list)) else None,
    )


@probe(lane="host", timeout=20)
def read_nvidia_driver() -> NvidiaDriver:
    """The NVIDIA driver through NVML; no program is started, so an ``nvidia-smi`` that hangs does not matter."""
    import pynvml

    module = _kernel_module()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        code = getattr(error, "value", None)
        library = code != pynvml.NVML_ERROR_LIBRARY_NOT_FOUND
        return NvidiaDriver(library, error=str(error), error_code=code, kernel_module=module)
    try:
        number = pynvml.nvmlSystemGetCudaDriverVersion_v2()
        cuda: Optional[str] = f"{number // 1000}.{number % 1000 // 10}"
    except pynvml.NVMLError:
        cuda = None
    try:
        version: Optional[str] = _word_of(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError:
        version = None
    try:
        gpus = tuple(_gpu(index) for index in range(pynvml.nvmlDeviceGetCount()))
    except pynvml.NVMLError as error:
        code = getattr(error, "value", None)
        return NvidiaDriver(True, version, cuda, error=str(error), error_code=code, kernel_module=module)
    return NvidiaDriver(True, version, cuda, kernel_module=module, gpus=gpus)
