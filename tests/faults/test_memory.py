"""A probe that eats the memory of the machine is ended before the kernel has to choose a victim."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.cli import torchdoctor

HERE = Path(__file__).parent

# Read by Python when the doctor starts: what it takes for the machine's free memory is then far less than the probe takes.
SMALL_MACHINE = "import torchdoctor.engine.platforms as platforms\nplatforms.available_memory = lambda: 2**28\n"


def test_the_largest_worker_is_ended_and_named_and_the_others_results_stand(tmp_path: Path) -> None:
    shutil.copy(HERE / "greedy_probes.py", tmp_path)
    (tmp_path / "sitecustomize.py").write_text(SMALL_MACHINE)
    done = torchdoctor("run", "greed", "--checks-dir", str(tmp_path), "--format", "json", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    hoarding = done.result("GREED1")
    assert hoarding["status"] == "error"
    assert "ended before the machine ran out of memory" in hoarding["summary"]
    assert done.result("GREED2")["summary"] == "value 1"
    assert done.code == 3
