"""What reading eight NVIDIA GPUs costs against the simulated driver: the probes alone, budget 100 ms for all eight.

usage: python benchmarks/nvml.py [--rounds N]

Needs a C compiler and nvidia-nvml-dev, as the tests do. A real driver answers some questions more slowly; the number of questions is what this measures.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.simulated.nvml import build, fixtures, scenarios


def main() -> int:
    """Print the medians; exit 1 where the budget is exceeded, 2 where the driver cannot be built."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drivers, why_not = build.build(folder)
        if why_not:
            print(why_not, file=sys.stderr)
            return 2
        node = next(scenario for scenario in scenarios.healthy() if scenario.name == "8xH100")
        times = [fixtures.observe(drivers, node, folder)["seconds"] for _ in range(rounds)]
    start, read = (statistics.median(column) * 1000 for column in zip(*times))
    worst = max(sum(pair) for pair in times) * 1000
    print(
        f"processor time: loading the binding and the driver {start:.0f} ms, reading 8 GPUs {read:.0f} ms, worst of {rounds} rounds {worst:.0f} ms (budget 100)"
    )
    return 0 if start + read <= 100 else 1


if __name__ == "__main__":
    raise SystemExit(main())
