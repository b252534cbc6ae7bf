"""The table of all checks is what the checks say, and every check of the GPUs says how it judges."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from torchdoctor.engine.discover import discover
from torchdoctor.report.check_pages import sections

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, "scripts/make_checks_table.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_check_of_the_gpus_tells_its_reason_and_its_source() -> None:
    for check in discover(plugins=False).checks:
        if check.group in ("driver", "health"):
            labels = {label for label, _ in sections(check.doc)}
            assert {"Why", "Seen as"} <= labels, check.name
            assert labels & {"Source", "Thresholds"}, check.name
