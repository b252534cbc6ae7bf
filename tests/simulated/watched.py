"""A short sustained run for each GPU of the simulated driver, on the CPU, watched through the real nvidia-ml-py; printed as JSON.

Started with LD_LIBRARY_PATH naming the simulated library.
"""

from __future__ import annotations

import dataclasses
import json
import sys

import pynvml

from torchdoctor.codec import to_json
from torchdoctor.work.busy import why_busy
from torchdoctor.work.nvml_watch import Watch
from torchdoctor.work.sustained import run_sustained


def main() -> None:
    """By device: the run as if the CPU's products had been the GPU's, and why it would not have been run."""
    pynvml.nvmlInit()
    found = {}
    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        run = run_sustained("cpu", Watch("cpu", pynvml, handle), seconds=0.002)
        run = dataclasses.replace(run, device=f"cuda:{index}", model=pynvml.nvmlDeviceGetName(handle))
        # The simulated driver's samples are all alike: one of them stands for all, and the CPU's own speed for nothing.
        steady = tuple(dataclasses.replace(run.samples[0], at=float(n), tflops=600.0) for n in range(6))
        busy = why_busy(f"sim:{index}", pynvml, handle, hidden=False, sleep=lambda _: None)
        found[f"cuda:{index}"] = {"run": to_json(dataclasses.replace(run, samples=steady)), "busy": busy}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
