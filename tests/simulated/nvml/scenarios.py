"""Read the scenario files, and write out what the simulated driver reads and what the rest of the machine looks like."""

from __future__ import annotations

import configparser
import functools
from dataclasses import dataclass, field
from pathlib import Path

from torchdoctor.facts import Bus, DeviceNode, Host, KernelLine, KernelLog, NvidiaFiles, PciDevice
from torchdoctor.probes.nvml import bus_id_of

HERE = Path(__file__).parent
TWO_HOURS = 7200.0


@dataclass(frozen=True)
class Expected:
    """What a fault must lead to."""

    check: str
    status: str
    subject: str
    cause: str
    fix: str


@dataclass(frozen=True)
class Scenario:
    """A machine: ``nvml`` is what the simulated driver answers, ``host`` and ``log`` what is beside it."""

    name: str
    library: str  # new, old, none
    nvml: dict[str, str]
    host: dict[str, str]
    log: tuple[str, ...] = ()
    expected: Expected | None = None
    only: str = ""
    buses: tuple[str, ...] = field(default=())  # of all cards in the machine, also those that the driver does not name

    def write(self, folder: Path) -> Path:
        """The file that the simulated library reads."""
        path = folder / "scenario.txt"
        path.write_text("".join(f"{key}={value}\n" for key, value in self.nvml.items()))
        return path

    @property
    def kernel_module(self) -> str | None:
        """The version of the loaded kernel module."""
        return self.host.get("kernel_module", self.nvml["driver"]) or None

    def machine(self) -> Host:
        """The host as its probe would tell it."""
        wsl = self.host.get("wsl")
        container = self.host.get("container")
        return Host("linux", "Ubuntu 24.04", "6.8.0", "x86_64", "node1", container=container, wsl=int(wsl) if wsl else None)

    def bus(self) -> Bus:
        """The PCI bus as its probe would tell it."""
        if self.host.get("pci") == "no":
            return Bus(True, dxg="wsl" in self.host)
        bound = self.host.get("bound", "nvidia") or None
        return Bus(True, tuple(PciDevice(bus_id_of(slot), "nvidia", "0x2330", bound) for slot in self.buses))

    def files(self) -> NvidiaFiles:
        """Device files, libraries and daemons as their probe would tell them."""
        count = int(self.nvml["count"])
        paths = ["/dev/nvidiactl", "/dev/nvidia-uvm", *(f"/dev/nvidia{n}" for n in range(count))]
        nodes = []
        for path in paths if self.kernel_module else ():
            said = self.host.get(f"node.{path}")
            if said != "absent":
                nodes.append(DeviceNode(path, said is None, said, "crw-rw-rw-", "root"))
        libraries = {}
        if self.library != "none" and "wsl" not in self.host:
            libraries = {f"/usr/lib64/{name}.so.1": self.nvml["driver"] for name in ("libcuda", "libnvidia-ml")}
        libraries.update({key.partition(".")[2]: value for key, value in self.host.items() if key.startswith("library.")})
        running = {"yes": True, "no": False}.get(self.host.get("fabric_manager", ""))
        mps = self.host.get("mps")
        return NvidiaFiles(
            True,
            tuple(nodes),
            ("nvidia", "nvidia_uvm") if self.kernel_module else (),
            switches=int(self.host.get("switches", "0")),
            libraries=libraries,
            fabric_manager=running,
            mps_pipe="/tmp/nvidia-mps" if mps else None,
            mps_control={"dead": False, "alive": True}.get(mps or ""),
            visible="all" if "container" in self.host else None,
            capabilities=self.host.get("capabilities"),
        )

    def kernel_log(self) -> KernelLog:
        """The kernel log as its probe would tell it."""
        return KernelLog("/dev/kmsg", None, tuple(KernelLine(line, TWO_HOURS) for line in self.log))


def _read(name: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=("#",), interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(HERE / f"{name}.ini", encoding="utf-8")
    return {section: dict(parser[section]) for section in parser.sections()}


def _inherited(sections: dict[str, dict[str, str]], name: str) -> dict[str, str]:
    own = dict(sections[name])
    base = own.pop("base", None)
    return {**_inherited(sections, base), **own} if base else own


def _scenario(name: str, settings: dict[str, str], models: dict[str, dict[str, str]]) -> Scenario:
    nvml = {key: value for key, value in settings.items() if key in ("driver", "cuda", "nvml", "init")}
    index = 0
    buses = []
    for part in settings["gpus"].split(","):
        count, model = part.split()
        for _ in range(int(count)):
            for key, value in _inherited(models, model).items():
                nvml[f"gpu.{index}.{key}"] = value.replace("{n}", str(index))
            buses.append(nvml.get(f"gpu.{index}.pci", ""))
            index += 1
    nvml["count"] = settings.get("count", str(index))
    for key, value in settings.items():
        if key.startswith("gpu.*."):
            nvml.update({f"gpu.{n}.{key[6:]}": value for n in range(index)})
    nvml.update({key: value for key, value in settings.items() if key.startswith("gpu.") and "*" not in key})
    host = {key[5:]: value for key, value in settings.items() if key.startswith("host.")}
    expected = None
    if "expect" in settings:
        words = ["" if word == "-" else word for word in settings["expect"].split(None, 4)]
        expected = Expected(*words)
    log = tuple(value for key, value in settings.items() if key.startswith("log."))
    cards = int(host.get("cards", nvml["count"]))
    return Scenario(name, settings.get("library", "new"), nvml, host, log, expected, settings.get("only", ""), tuple(buses[:cards]))


@functools.cache
def healthy() -> tuple[Scenario, ...]:
    """All healthy nodes."""
    sections, models = _read("healthy"), _read("models")
    return tuple(_scenario(name, _inherited(sections, name), models) for name in sections)


@functools.cache
def faults() -> tuple[Scenario, ...]:
    """All nodes with a fault."""
    nodes, sections, models = _read("healthy"), _read("faults"), _read("models")
    return tuple(_scenario(name, _inherited({**nodes, **sections}, name), models) for name in sections)
