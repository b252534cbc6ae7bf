"""What torchdoctor costs, as ratios against a named alternative, each pair timed in turn in one session.

usage: python benchmarks/budgets.py [--rounds N]

The alternative runs under the same interpreter. Ratios of medians are printed with the smallest and largest ratio of a pair, because
machines are noisy; quote the ratios, never the seconds.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

PYTHON = sys.executable
DOCTOR = [PYTHON, "-m", "torchdoctor"]
IMPORT_TORCH = [PYTHON, "-c", "import torch"]
IMPORT_CLICK = [PYTHON, "-c", "import click"]
TRACEBACK = """Traceback (most recent call last):
  File "/home/ada/train.py", line 31, in <module>
    main()
  File "/home/ada/train.py", line 12, in main
    dist.init_process_group("nccl")
  File "/home/ada/.venv/lib/python3.11/site-packages/torch/distributed/distributed_c10d.py", line 1013, in _new_process_group_helper
    raise RuntimeError("Distributed package doesn't have NCCL built in")
RuntimeError: Distributed package doesn't have NCCL built in
"""
PAIRS: tuple[tuple[str, list[str], str, list[str], float], ...] = (
    ("run", [*DOCTOR, "run"], "import torch", IMPORT_TORCH, 1.2),
    ("run", [*DOCTOR, "run"], "torch.utils.collect_env", [PYTHON, "-m", "torch.utils.collect_env"], 1.0),
    ("--help", [*DOCTOR, "--help"], "import click", IMPORT_CLICK, 3.0),
    ("list", [*DOCTOR, "list"], "import click", IMPORT_CLICK, 3.0),
    ("explain", [*DOCTOR, "explain", "nccl-not-built"], "import click", IMPORT_CLICK, 3.0),
    ("diagnose, one traceback", [*DOCTOR, "diagnose", "--no-local-facts", "traceback.txt"], "import click", IMPORT_CLICK, 5.0),
)


def seconds(command: Sequence[str], folder: Path) -> float:
    """Wall seconds of one whole process."""
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


OWN_PEAK = """
import resource, sys
from torchdoctor.cli import main
try:
    main(["run"])
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def own_peak(folder: Path) -> float:
    """Peak memory of the doctor's own process in a run, in MiB; its children are not counted."""
    done = subprocess.run([PYTHON, "-c", OWN_PEAK], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return int(done.stderr.split()[-1]) / (1024 if sys.platform.startswith("linux") else 1024**2)


def main() -> None:
    """Print one line a pair: the ratio, its range, and the budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "traceback.txt").write_text(TRACEBACK)
        print(f"{'torchdoctor':26s} {'against':26s} {'ratio':>6s} {'range':>15s} {'budget':>7s}")
        for label, ours, other, theirs, budget in PAIRS:
            seconds(ours, folder), seconds(theirs, folder)  # one of each to fill caches
            pairs = [(seconds(ours, folder), seconds(theirs, folder)) for _ in range(rounds)]
            ratio = statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs)
            each = [a / b for a, b in pairs]
            print(f"{label:26s} {other:26s} {ratio:6.2f} {min(each):6.2f} to {max(each):5.2f} {budget:7.1f}", flush=True)
        print(f"peak memory of the doctor's own process in a run: {own_peak(folder):.0f} MiB (budget 60)")


if __name__ == "__main__":
    main()
