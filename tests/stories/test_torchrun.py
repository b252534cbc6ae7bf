"""Jobs of several ranks that really fail under torchrun: the rank that began and its cause are named, not the echoes.

Each job runs once, with gloo on the CPU. What it left is then read in the ways people have it: the combined output with
and without torchrun's prefixes, the launcher's summary alone, and the folder of per-rank logs. Asserted are causes and
ranks, never the libraries' texts.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cli import LIMIT, environment, torchdoctor

pytest.importorskip("torch.distributed.run")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="signals and redirects as on Linux")]

SCRIPTS = Path(__file__).parent / "scripts"
QUIET = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "TORCHELASTIC_ERROR_FILE": None, "GLOO_SOCKET_IFNAME": "lo"}
SUMMARY = "torch.distributed.elastic.multiprocessing.errors.ChildFailedError"
PREFIX = re.compile(r"^\[default\d+\]:", re.MULTILINE)


@dataclass(frozen=True)
class Story:
    """A script, how many ranks it runs in, and what an expert says of it: the first cause and the words that name the rank."""

    script: str
    cause: str
    names: str
    """A pattern for the rank to look at, in the title, the reasons or the fixes."""
    ranks: int = 2
    others: Mapping[str, str] = field(default_factory=dict)
    """Forms from which no more than another cause can be told: a launcher's summary, or logs without it."""
    detail: bool = False
    """Whether the job runs with TORCH_DISTRIBUTED_DEBUG=DETAIL."""
    dies: bool = False
    """Whether a rank ends first, so that the others lose their connection to it."""


ONLY_A_SUMMARY = {"summary": "torchrun-child-failed"}
STORIES = (
    Story("raises", "user-error-in-rank", r"\brank 1\b", others=ONLY_A_SUMMARY, dies=True),
    Story("killed", "host-oom-killed", r"\brank 1\b", others={"folder": "peer-rank-died-elsewhere"}, dies=True),
    Story("segfaults", "rank-segfault", r"\brank 1\b", dies=True),
    Story("late", "nccl-timeout-straggler", r"\brank 1, which reports no timeout\b", ranks=3, others=ONLY_A_SUMMARY),
    Story("other_collective", "nccl-timeout-collective-mismatch", r"\brank 1 \(BROADCAST\b", ranks=3, others=ONLY_A_SUMMARY, detail=True),
    Story("other_shapes", "collective-shape-mismatch", r"\brank 1 has \[5, 16\]", ranks=3, others=ONLY_A_SUMMARY, detail=True),
)


def launch(folder: Path, *arguments: str, **env: str | None) -> str:
    """What torchrun (or, without arguments for it, Python) writes to standard error; the job fails."""
    done = subprocess.run(
        [sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment(**{**QUIET, **env}),
        timeout=LIMIT,
    )
    assert done.returncode not in (0, 2), "the job was meant to fail, and not for a wrong command line"
    return done.stderr.decode("utf-8", "replace")


def told(story: Story, folder: Path) -> dict[str, Path]:
    """What a story leaves: the file of its combined output, the same without prefixes, and the folder of its logs."""
    logs = folder / "logs"
    options = ["--standalone", "--nproc-per-node", str(story.ranks), "--log-dir", str(logs), "--redirects", "3", "--tee", "3"]
    options += ["--monitor-interval", "2"]  # time for the others to notice and to tell before torchrun ends them
    detail = "DETAIL" if story.detail else None
    script = str(SCRIPTS / f"{story.script}.py")
    combined = launch(folder, "-m", "torch.distributed.run", *options, script, TORCH_DISTRIBUTED_DEBUG=detail)
    plain = PREFIX.sub("", combined)
    texts = {"prefixed": combined, "plain": plain, "summary": plain[plain.index(SUMMARY) :]}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return {**{name: folder / name for name in texts}, "folder": logs}


def diagnoses(path: Path) -> list[dict[str, Any]]:
    """The answer of the command, as its JSON tells it."""
    done = torchdoctor("diagnose", "--format", "json", "--no-local-facts", str(path))
    assert done.code == 0, done.err
    found: list[dict[str, Any]] = done.json()["diagnoses"]
    return found


def words(diagnosis: Mapping[str, Any]) -> str:
    """The title, the reasons and the fixes, as one text."""
    return " ".join((diagnosis["title"], diagnosis["why"], *(fix["do"] for fix in diagnosis["fixes"])))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.script)
def test_the_rank_that_began_is_named(story: Story, tmp_path: Path) -> None:
    answers = {form: diagnoses(path) for form, path in told(story, tmp_path).items()}
    wanted = {form: [story.others.get(form, story.cause)] for form in answers}
    assert {form: [one["cause"] for one in found] for form, found in answers.items()} == wanted, "one root, and nothing beside it"
    for form, (first,) in answers.items():
        if form != "summary":
            assert re.search(story.names, words(first), re.IGNORECASE), (form, words(first))
        if story.dies:
            assert "peer-rank-died-elsewhere" in [first["cause"], *(echo["cause"] for echo in first["explains"])] or form == "summary"
            assert first["cause"] == "peer-rank-died-elsewhere" or first["evidence"][0]["rank"] in (1, None), (form, first["evidence"])


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        place = {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        text = launch(tmp_path, str(SCRIPTS / "joins.py"), **place)
    (tmp_path / "port.txt").write_text(text, encoding="utf-8")
    first = diagnoses(tmp_path / "port.txt")[0]
    assert first["cause"] == "master-port-in-use"
    assert port in words(first) + " ".join(quote["text"] for quote in first["evidence"])


def test_no_launcher_at_all(tmp_path: Path) -> None:
    text = launch(tmp_path, str(SCRIPTS / "joins.py"))
    (tmp_path / "alone.txt").write_text(text, encoding="utf-8")
    first = diagnoses(tmp_path / "alone.txt")[0]
    assert first["cause"] == "dist-env-missing"
    assert "torchrun" in words(first)
