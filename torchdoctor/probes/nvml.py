"""What NVML says of each NVIDIA GPU: one probe run a GPU, so that a GPU that hangs the driver hides nothing of the others.

Nothing here starts a program or writes to a device. A question that a GPU does not support costs one call and stays None.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any, Optional

from torchdoctor.declare import probe
from torchdoctor.facts import GpuProcess, GpuState, MemoryErrors, MigInstance, NvidiaDriver, NvLink
from torchdoctor.probes.nvml_asker import Asker, as_text

BRANDS = {1: "quadro", 2: "tesla", 5: "geforce", 6: "titan", 12: "rtx", 13: "rtx", 14: "nvidia", 15: "geforce", 16: "titan"}
VIRTUALIZATION = {0: "none", 1: "passthrough", 2: "vgpu", 3: "host", 4: "host"}
COMPUTE_MODES = {0: "default", 1: "exclusive-thread", 2: "prohibited", 3: "exclusive-process"}
RECOVERY = {
    0: "none",
    1: "gpu-reset",
    2: "node-reboot",
    3: "drain-p2p",
    4: "drain-and-reset",
    5: "recover-imex-domain",
    6: "bus-reset",
    7: "system-reboot",
}
FABRIC_STATES = {0: "not-supported", 1: "not-started", 2: "in-progress", 3: "completed"}
REMOTES = {0: "gpu", 2: "switch"}
# Two bits each of the fabric's health mask, where 1 means that it is so.
FABRIC_FAULTS = (("degraded bandwidth", 0), ("route recovery in progress", 2), ("route unhealthy", 4), ("access timeout recovery", 6))

FIELD_MEMORY_TEMPERATURE = 82
FIELD_RECOVERY_ACTION = 230
FIELDS_NVLINK = {"replay": 52, "recovery": 59, "crc_flit": 38, "crc_data": 45}  # totals over all links
LINK_COUNTERS = {"replay": 0, "recovery": 1, "crc_flit": 2, "crc_data": 3}
FIRST_PID_NAMESPACE = 0xEFFFFFFC  # the inode number that Linux gives the process-id namespace of the machine itself


def bus_id_of(text: str) -> str:
    """NVML's 00000000:18:00.0 as /sys writes it: 0000:18:00.0."""
    domain, _, rest = text.lower().partition(":")
    return f"{domain[-4:]}:{rest}"


def _watts(milliwatts: Optional[int]) -> Optional[float]:
    return None if milliwatts is None else milliwatts / 1000


def _memory(asker: Asker) -> tuple[Optional[int], Optional[int], Optional[int]]:
    """Total, used and reserved bytes. Only version 2 of the answer tells apart what the driver keeps for itself."""
    version = getattr(asker.nvml, "nvmlMemory_v2", None)
    memory = asker.ask("GetMemoryInfo", version) if version is not None else None
    if memory is not None:
        return memory.total, memory.used, memory.reserved
    memory = asker.ask("GetMemoryInfo")
    return (memory.total, memory.used, None) if memory is not None else (None, None, None)


def _sram(asker: Asker) -> dict[str, Any]:
    try:
        status = asker.nvml.c_nvmlEccSramErrorStatus_v1_t()
    except AttributeError:
        return {}
    if asker.ask("GetSramEccErrorStatus", ctypes.byref(status)) is None:
        return {}
    return {
        "sram_uncorrected_volatile": status.volatileUncParity + status.volatileUncSecDed,
        "sram_uncorrected_aggregate": status.aggregateUncParity + status.aggregateUncSecDed,
        "sram_exceeded": bool(status.bThresholdExceeded),
    }


def _memory_errors(asker: Asker) -> MemoryErrors:
    found: dict[str, Any] = {}
    mode = asker.ask("GetEccMode")
    if mode is not None:
        found["ecc"], found["ecc_pending"] = bool(mode[0]), bool(mode[1])
    if found.get("ecc"):
        for kind, number in (("corrected", 0), ("uncorrected", 1)):
            found[f"{kind}_volatile"] = asker.ask("GetTotalEccErrors", number, 0)
            found[f"{kind}_aggregate"] = asker.ask("GetTotalEccErrors", number, 1)
        found.update(_sram(asker))
    rows = asker.ask("GetRemappedRows")
    if rows is not None:
        found.update(rows_corrected=rows[0], rows_uncorrected=rows[1], rows_pending=bool(rows[2]), rows_failed=bool(rows[3]))
        histogram = asker.ask("GetRowRemapperHistogram")
        found["banks_without_spare_rows"] = getattr(histogram, "none", None)
        return MemoryErrors(**found)
    for kind, cause in (("single", 0), ("double", 1)):
        pages = asker.ask("GetRetiredPages", cause)
        found[f"pages_{kind}"] = None if pages is None else len(pages)
    found["pages_pending"] = asker.flag("GetRetiredPagesPendingStatus")
    return MemoryErrors(**found)


def _instances(asker: Asker) -> tuple[MigInstance, ...]:
    found = []
    for index in range(asker.ask("GetMaxMigDeviceCount") or 0):
        try:
            handle = asker.nvml.nvmlDeviceGetMigDeviceHandleByIndex(asker.handle, index)
        except asker.nvml.NVMLError:
            continue
        one = Asker(asker.nvml, handle)
        found.append(MigInstance(index, one.text("GetUUID"), one.text("GetName"), _memory(one)[0]))
    return tuple(found)


def _links(asker: Asker, totals: dict[str, int]) -> tuple[NvLink, ...]:
    """All links; their error counters one by one only where the totals are not all zero or not known."""
    found: list[NvLink] = []
    look_closer = len(totals) < len(FIELDS_NVLINK) or any(totals.values())
    for index in range(getattr(asker.nvml, "NVML_NVLINK_MAX_LINKS", 18)):
        active = asker.flag("GetNvLinkState", index)
        if active is None:
            break
        remote = REMOTES.get(asker.ask("GetNvLinkRemoteDeviceType", index), "other") if active else None
        errors = {}
        if look_closer:
            for kind, counter in LINK_COUNTERS.items():
                count = asker.ask("GetNvLinkErrorCounter", index, counter)
                if count:
                    errors[kind] = int(count)
        found.append(NvLink(index, active, remote, errors))
    return tuple(found)


def _fabric(asker: Asker) -> dict[str, Any]:
    try:
        info = asker.nvml.c_nvmlGpuFabricInfoV_t()
    except AttributeError:
        return {}
    if asker.ask("GetGpuFabricInfoV", ctypes.byref(info)) is None:
        return {}
    state = FABRIC_STATES.get(info.state)
    faults = tuple(words for words, shift in FABRIC_FAULTS if info.healthMask >> shift & 3 == 1)
    return {"fabric_state": state, "fabric_status": int(info.status), "fabric_degraded": faults}


def _process(raw: Any, kind: str, hidden: bool) -> GpuProcess:
    pid = int(raw.pid)
    alive: Optional[bool] = True
    name, mine = None, None
    if sys.platform == "win32":  # there a signal of 0 would not ask, it would interrupt
        return GpuProcess(pid, kind, raw.usedGpuMemory, None, None, None)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        alive = None if hidden else False
    except OSError:
        alive = True  # another user's
    if alive:
        try:
            with open(f"/proc/{pid}/comm") as file:
                name = file.read().strip()
            mine = os.stat(f"/proc/{pid}").st_uid == os.getuid()
        except (OSError, AttributeError):
            pass
    return GpuProcess(pid, kind, raw.usedGpuMemory, name, alive, mine)


def hides_processes(namespace: str = "/proc/self/ns/pid") -> bool:
    """Whether this process lives in a process-id namespace of its own, where the driver's process ids mean nothing."""
    try:
        return os.stat(namespace).st_ino != FIRST_PID_NAMESPACE
    except OSError:
        return True


def _processes(asker: Asker) -> tuple[GpuProcess, ...]:
    found: list[GpuProcess] = []
    hidden = hides_processes()
    for kind, name in (("compute", "Compute"), ("graphics", "Graphics"), ("mps", "MPSCompute")):
        question = f"Get{name}RunningProcesses"
        before = dict(asker.refused)
        listed = asker.ask(question)
        if listed is None:  # drivers before 510 know the second version only
            listed = asker.ask(question + "_v2")
        if listed is not None:
            asker.refused = before
        known = {process.pid for process in found}
        found += [_process(raw, kind, hidden) for raw in listed or () if raw.pid not in known]
    return tuple(found)


def _connections(asker: Asker, fields: dict[int, int]) -> dict[str, Any]:
    totals = {kind: fields[number] for kind, number in FIELDS_NVLINK.items() if number in fields}
    return {
        "pcie_generation": asker.ask("GetCurrPcieLinkGeneration"),
        "pcie_generation_max": asker.ask("GetMaxPcieLinkGeneration"),
        "pcie_generation_gpu": asker.ask("GetGpuMaxPcieLinkGeneration"),
        "pcie_width": asker.ask("GetCurrPcieLinkWidth"),
        "pcie_width_max": asker.ask("GetMaxPcieLinkWidth"),
        "pcie_replays": asker.ask("GetPcieReplayCounter"),
        "nvlinks": _links(asker, totals),
        **_fabric(asker),
    }


def _workings(asker: Asker, fields: dict[int, int]) -> dict[str, Any]:
    """Heat, power and clocks."""
    reasons = asker.ask("GetCurrentClocksEventReasons")
    if reasons is None:  # the name before driver 535
        reasons = asker.ask("GetCurrentClocksThrottleReasons")
    utilization = asker.ask("GetUtilizationRates")
    return {
        "temperature": asker.ask("GetTemperature", 0),
        "temperature_margin": asker.ask("GetMarginTemperature"),
        "temperature_shutdown": asker.ask("GetTemperatureThreshold", 0),
        "temperature_slowdown": asker.ask("GetTemperatureThreshold", 1),
        "memory_temperature_max": asker.ask("GetTemperatureThreshold", 2),
        "temperature_max": asker.ask("GetTemperatureThreshold", 3),
        "memory_temperature": fields.get(FIELD_MEMORY_TEMPERATURE) or None,
        "clock_reasons": reasons,
        "clock_sm": asker.ask("GetClockInfo", 1),
        "clock_sm_max": asker.ask("GetMaxClockInfo", 1),
        "clock_memory": asker.ask("GetClockInfo", 2),
        "clock_memory_max": asker.ask("GetMaxClockInfo", 2),
        "utilization": getattr(utilization, "gpu", None),
        "pstate": asker.ask("GetPerformanceState"),
        "power": _watts(asker.ask("GetPowerUsage")),
        "power_limit": _watts(asker.ask("GetEnforcedPowerLimit")),
        "power_default": _watts(asker.ask("GetPowerManagementDefaultLimit")),
    }


def _identity(asker: Asker) -> dict[str, Any]:
    pci = asker.ask("GetPciInfo")
    capability = asker.ask("GetCudaComputeCapability")
    total, used, reserved = _memory(asker)
    return {
        "name": asker.text("GetName"),
        "uuid": asker.text("GetUUID"),
        "bus_id": bus_id_of(as_text(pci.busId)) if pci is not None else None,
        "brand": BRANDS.get(asker.ask("GetBrand")),
        "capability": ".".join(map(str, capability)) if capability is not None else None,
        "virtualization": VIRTUALIZATION.get(asker.ask("GetVirtualizationMode")),
        "memory_total": total,
        "memory_used": used,
        "memory_reserved": reserved,
        "vbios": asker.text("GetVbiosVersion"),
        "inforom": asker.text("GetInforomImageVersion"),
        "inforom_valid": _inforom_valid(asker),
    }


def _inforom_valid(asker: Asker) -> Optional[bool]:
    try:
        asker.nvml.nvmlDeviceValidateInforom(asker.handle)
    except asker.nvml.NVMLError as error:
        return False if getattr(error, "value", None) == asker.nvml.NVML_ERROR_CORRUPTED_INFOROM else None
    except AttributeError:
        return None
    return True


def gpu_state(nvml: Any, index: int) -> GpuState:
    """The state of one GPU; a lost one says so."""
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
    except nvml.NVMLError as error:
        return GpuState(index, error=str(error), error_code=getattr(error, "value", None))
    asker = Asker(nvml, handle)
    fields = asker.fields([FIELD_MEMORY_TEMPERATURE, FIELD_RECOVERY_ACTION, *FIELDS_NVLINK.values()])
    mig = asker.ask("GetMigMode")
    answers: dict[str, Any] = {
        **_identity(asker),
        "persistence": asker.flag("GetPersistenceMode"),
        "compute_mode": COMPUTE_MODES.get(asker.ask("GetComputeMode")),
        "mig": None if mig is None else bool(mig[0]),
        "mig_pending": None if mig is None else bool(mig[1]),
        "mig_instances": _instances(asker) if mig is not None and mig[0] else (),
        "recovery_action": RECOVERY.get(fields.get(FIELD_RECOVERY_ACTION, -1)),
        "errors": _memory_errors(asker),
        **_workings(asker, fields),
        **_connections(asker, fields),
        "processes": _processes(asker),
    }
    if asker.gone is not None:
        answers.update(error=next((text for text in asker.refused.values()), None), error_code=asker.gone)
    return GpuState(index, refused=asker.refused, **answers)


@probe(lane="host", timeout=10, each=NvidiaDriver)
def read_gpu_state(subject: str) -> GpuState:
    """Health, modes and connections of one GPU, through NVML."""
    import pynvml

    pynvml.nvmlInit()
    return gpu_state(pynvml, int(subject.partition(":")[2]))
