"""On a machine with a real NVIDIA GPU: what is read is what nvidia-smi says. Skipped elsewhere."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from torchdoctor.facts import NvidiaDriver
from torchdoctor.probes.bus import read_nvidia_driver
from torchdoctor.probes.nvml import read_gpu_state

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def driver() -> NvidiaDriver:
    """The driver of this machine."""
    found: NvidiaDriver = read_nvidia_driver.function()
    if not found.gpus or shutil.which("nvidia-smi") is None:
        pytest.skip(f"no NVIDIA GPU with nvidia-smi here: {found.error or 'the driver names none'}")
    return found


def test_the_facts_are_those_of_nvidia_smi(driver: NvidiaDriver) -> None:
    query = "--query-gpu=index,uuid,name,pci.bus_id,power.default_limit,clocks.max.sm,pcie.link.gen.max,compute_mode"
    done = subprocess.run(["nvidia-smi", query, "--format=csv,noheader,nounits"], capture_output=True, text=True, check=True, timeout=60)
    for line in done.stdout.strip().splitlines():
        index, uuid, name, bus, power, clock, generation, mode = (part.strip() for part in line.split(","))
        state = read_gpu_state.function(f"gpu:{index}")
        assert (state.uuid, state.name) == (uuid, name)
        assert state.bus_id is not None and bus.lower().endswith(state.bus_id[4:])
        assert mode.lower().replace("_", "-").startswith((state.compute_mode or "").split("-")[0])
        if clock.isdigit():
            assert state.clock_sm_max == int(clock)
        if power.replace(".", "").isdigit():
            assert state.power_default == pytest.approx(float(power), abs=1)
        if generation.isdigit():
            assert state.pcie_generation_max == int(generation)


def test_nothing_is_refused_with_an_unknown_error(driver: NvidiaDriver) -> None:
    for subject in driver.subjects():
        state = read_gpu_state.function(subject)
        assert state.error is None
        assert not [said for said in state.refused.values() if "Unknown" in said]
