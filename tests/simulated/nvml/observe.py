"""Run the NVML probes in a process of its own and print their facts as JSON. Started with LD_LIBRARY_PATH naming the simulated library."""

from __future__ import annotations

import json
import sys
import time

from torchdoctor.codec import to_json
from torchdoctor.probes import bus, nvml


def main() -> None:
    """Facts by type name, and the processor seconds that reading took: other work on the machine does not count."""
    if "--sees-processes" in sys.argv:
        nvml.hides_processes = lambda namespace="": False
    started = time.process_time()
    driver = bus.read_nvidia_driver.function()
    middle = time.process_time()
    states = {subject: to_json(nvml.read_gpu_state.function(subject)) for subject in driver.subjects()}
    seconds = [middle - started, time.process_time() - middle]
    json.dump({"NvidiaDriver": to_json(driver), "GpuState": states, "seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
