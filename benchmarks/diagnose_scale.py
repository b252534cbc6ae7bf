"""How long `torchdoctor diagnose` takes on a large log, against `grep -E` with ten words on the same bytes.

usage: python benchmarks/diagnose_scale.py [--gigabytes 1] [--files 512] [--rounds 3]

Writes one log of that size, and the same size spread over many files of one job, into a temporary folder, runs both
programs on each in turn (so that both see the same page cache and the same load of the machine), and prints the best time
of each, their ratio, and the peak memory of torchdoctor. Needs GNU or BSD grep and twice the size free in the temporary folder.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORDS = "Traceback|Error:|exitcode|Segmentation fault|Killed|terminate called|SIGKILL|Fatal Python|NVRM: Xid|oom-kill"
FAILURE = """Traceback (most recent call last):
  File "/srv/job/fit.py", line 120, in <module>
    main()
  File "/srv/job/fit.py", line 88, in main
    loss.backward()
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.15 GiB of which 1.12 GiB is free.
"""


def block(size: int) -> bytes:
    """Healthy lines as training programs write them, about ``size`` bytes."""
    dice = random.Random(1)
    lines = []
    total = step = 0
    while total < size:
        step += 1
        line = (
            f"[2025-05-05 12:{step // 60 % 60:02d}:{step % 60:02d},{step % 1000:03d}] [INFO] [logging.py:96:log_dist] [Rank 0] step={step}, "
            f"skipped=0, lr=[{dice.random() * 1e-4:.6e}], mom=[(0.9, 0.95)], loss: {dice.random() * 5:.4f}, error_rate: {dice.random():.3f}\n"
        )
        lines.append(line)
        total += len(line)
    return "".join(lines).encode()


def write(path: Path, size: int, filler: bytes, failure: str) -> None:
    """A log of about ``size`` bytes that ends with the failure."""
    with path.open("wb") as log:
        written = 0
        while written < size:
            written += log.write(filler[: size - written] if size - written < len(filler) else filler)
        log.write(b"\n" + failure.encode())


def measure(command: list[str]) -> tuple[float, float, int]:
    """Seconds, peak memory in MB, and exit status of a command whose output is thrown away."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    peak = usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return time.perf_counter() - start, peak, os.waitstatus_to_exitcode(status)


def compare(name: str, target: Path, rounds: int) -> None:
    """Run both programs in turn and print the best times and their ratio."""
    grep = ["grep", "-rcE", WORDS, str(target)]
    doctor = [sys.executable, "-m", "torchdoctor", "diagnose", "--no-local-facts", "--format", "json", str(target)]
    times: dict[str, list[float]] = {"grep": [], "doctor": []}
    peak, code = 0.0, 0
    measure(grep)  # fills the page cache
    for _ in range(rounds):
        times["grep"].append(measure(grep)[0])
        seconds, memory, code = measure(doctor)
        times["doctor"].append(seconds)
        peak = max(peak, memory)
    one, other = min(times["grep"]), min(times["doctor"])
    print(f"{name:28s} grep -E {one:6.2f} s   diagnose {other:6.2f} s   ratio {other / one:5.2f}   peak {peak:5.0f} MB   exit code {code}")


def main() -> None:
    """Parse the arguments, write the logs, compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--files", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if shutil.which("grep") is None:
        sys.exit("grep is not there: nothing to compare with")
    size = int(args.gigabytes * (1 << 30))
    filler = block(4 << 20)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "train.log"
        write(log, size, filler, FAILURE)
        compare(f"one log of {args.gigabytes:g} GB", log, args.rounds)
        log.unlink()
        job = Path(folder) / "job"
        job.mkdir()
        for rank in range(args.files):
            write(job / f"rank{rank}.log", size // args.files, filler, FAILURE if rank == args.files // 3 else "ValueError: peer is gone\n")
        compare(f"{args.files} logs, {args.gigabytes:g} GB together", job, args.rounds)


if __name__ == "__main__":
    main()
