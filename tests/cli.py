"""Run torchdoctor as a person does: a process of its own, its streams captured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT = 120  # seconds; only so that a broken supervisor cannot hang the test session

# Variables that change what is examined; a test starts from an environment without them.
_NOISE = (
    "TORCHDOCTOR_",
    "RANK",
    "WORLD_SIZE",
    "LOCAL_",
    "MASTER_",
    "CUDA_VISIBLE",
    "VIRTUAL_ENV",
    "CONDA_",
    "GITHUB_",
    "PYTHONPATH",
    "SLURM_",
)


@dataclass(frozen=True)
class Done:
    """A finished process."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    def result(self, check: str) -> dict[str, Any]:
        """The result of one check of a JSON report."""
        return next(r for r in self.json()["results"] if check in (r["check"], r["code"]))


def environment(**changes: str | None) -> dict[str, str]:
    """The environment of this process less what would change the examination, with changes; None removes."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(_NOISE)}
    for name, value in changes.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env


def torchdoctor(*arguments: str, cwd: Path | None = None, stdin: bytes = b"", **env: str | None) -> Done:
    """Run ``python -m torchdoctor`` with these arguments."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "torchdoctor", *arguments]
        if sys.version_info >= (3, 11)
        else [sys.executable, "-m", "torchdoctor", *arguments],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env=environment(**env),
        timeout=LIMIT,
    )
    return Done(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
