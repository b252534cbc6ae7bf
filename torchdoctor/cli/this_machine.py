"""The description of this machine that a torch build is chosen for, read in workers with a short deadline; torch is never imported."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torchdoctor.codec import from_json
from torchdoctor.engine import patient
from torchdoctor.facts import Bus, Host, NvidiaDriver, Packages, PythonEnv
from torchdoctor.wheels.gpus import capability_of
from torchdoctor.wheels.machine import Gpu, Machine

DEADLINE = 5.0
"""Seconds that a probe may take; an NVML that hangs becomes a driver that is not known."""


def collect(executable: str) -> dict[str, Any]:
    """The facts of this machine and of the interpreter, by type name; those that could not be read are missing."""
    from torchdoctor.engine.supervise import Supervisor
    from torchdoctor.probes import bus, host, installation, patient_python, torch_import

    probes = [host.read_host, bus.read_bus, bus.read_nvidia_driver, patient_python.python_env, installation.packages]
    deadlines = {probe.name: DEADLINE for probe in probes}
    facts = Supervisor(executable, probes, torch_import.torch_import, deadlines).run().facts()
    kinds: Mapping[str, Any] = {kind.__name__: kind for kind in (Host, Bus, NvidiaDriver, Packages, PythonEnv)}
    return {name: from_json(kinds[name], fact) for name, fact in facts.items() if name in kinds}


def this_machine(python: str | None = None) -> tuple[Machine, tuple[str, ...]]:
    """This machine, for the interpreter given or the one that is active, and what could not be read.

    Raises NoInterpreter where ``python`` names none.
    """
    chosen = patient.choose(python, os.environ, sys.executable, sys.prefix, sys.platform)
    facts = collect(chosen.executable)
    notes = []
    if "PythonEnv" not in facts:
        raise patient.NoInterpreter(f"{chosen.executable}: this interpreter could not be asked for its version")
    if "NvidiaDriver" not in facts:
        notes.append("The NVIDIA driver could not be asked within its time; GPUs were looked for on the PCI bus only.")
    return described(facts, chosen.executable), tuple(notes)


def described(facts: Mapping[str, Any], executable: str, root: str = "/") -> Machine:
    """The description that the facts amount to."""
    host: Host | None = facts.get("Host")
    python: PythonEnv = facts["PythonEnv"]
    driver: NvidiaDriver | None = facts.get("NvidiaDriver")
    packages: Packages | None = facts.get("Packages")
    jetson, l4t = jetson_of(root) if host is None or host.system == "linux" else (False, None)
    return Machine(
        system=host.system if host else "linux",
        arch=python.arch,
        python=".".join(python.version.split(".")[:2]),
        free_threaded=python.free_threaded,
        driver=driver.version if driver else None,
        driver_cuda=driver.cuda if driver else None,
        gpus=gpus_of(driver, facts.get("Bus"), root),
        os_version=host.version if host and host.system == "macos" else None,
        libc=host.libc if host else None,
        wsl=bool(host and host.wsl),
        jetson=jetson,
        l4t=l4t,
        rosetta=bool(host and host.system == "macos" and python.arch == "x86_64" and (host.rosetta or host.arch == "arm64")),
        installer="system" if python.externally_managed else python.installer,
        executable=executable,
        installed=packages.version("torch") if packages else None,
    )


def gpus_of(driver: NvidiaDriver | None, bus: Bus | None, root: str = "/") -> tuple[Gpu, ...]:
    """The GPUs: NVIDIA's as the driver names them, else as the bus shows them; AMD's as the kernel driver names their architecture."""
    found = []
    for gpu in driver.gpus if driver else ():
        name = gpu.name or "an NVIDIA GPU"
        found.append(Gpu(name.removeprefix("NVIDIA "), capability=gpu.capability or capability_of(name)))
    if not found and bus is not None:
        found += [Gpu("an NVIDIA GPU") for _ in bus.of("nvidia")]
    targets = amd_targets(root)
    found += [Gpu(name, "amd", gfx=name) for name in targets]
    if bus is not None and not targets and bus.kfd:
        found += [Gpu("an AMD GPU", "amd") for _ in bus.of("amd")]
    return tuple(found)


def amd_targets(root: str = "/") -> tuple[str, ...]:
    """The architecture of each AMD GPU as the kernel's compute driver numbers it: 90402 is gfx942, 110001 is gfx1101, 90010 gfx90a.

    The number has two decimal digits each for minor version and stepping, which the name writes as one hexadecimal digit each.
    """
    found = []
    for file in sorted(Path(root, "sys/class/kfd/kfd/topology/nodes").glob("*/properties")):
        try:
            match = re.search(r"^gfx_target_version (\d+)$", file.read_text(), re.MULTILINE)
        except OSError:
            continue
        if match and int(match[1]):
            number = int(match[1])
            found.append(f"gfx{number // 10000}{number // 100 % 100:x}{number % 100:x}")
    return tuple(found)


def jetson_of(root: str = "/") -> tuple[bool, str | None]:
    """Whether this is a Jetson, and its Jetson Linux version such as "36.4.0"."""
    try:
        release = Path(root, "etc/nv_tegra_release").read_text(errors="replace")
    except OSError:
        release = ""
    try:
        model = Path(root, "proc/device-tree/model").read_text(errors="replace")
    except OSError:
        model = ""
    found = re.search(r"R(\d+) .*?REVISION: ([\d.]+)", release)
    return bool(release) or "Jetson" in model, f"{found[1]}.{found[2]}" if found else None
