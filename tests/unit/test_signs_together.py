"""Signs that compare the ranks count only where all their matches together say so."""

from __future__ import annotations

import pytest

from torchdoctor.diagnose.answer import diagnose
from torchdoctor.diagnose.read import read_text
from torchdoctor.diagnose.situation import Situation


def timeout(rank: int, seq: int, op: str, numel: int) -> str:
    work = f"WorkNCCL(SeqNum={seq}, OpType={op}, NumelIn={numel}, NumelOut={numel}, Timeout(ms)=600000)"
    return f"[rank{rank}]:[E ProcessGroupNCCL.cpp:616] [Rank {rank}] Watchdog caught collective operation timeout: {work} ran for 600011 milliseconds"


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        ([timeout(0, 8, "ALLREDUCE", 16), timeout(1, 8, "ALLREDUCE", 16)], "nccl-timeout-straggler"),
        ([timeout(0, 8, "ALLREDUCE", 16), timeout(1, 8, "BROADCAST", 16)], "nccl-timeout-collective-mismatch"),
        ([timeout(0, 8, "ALLREDUCE", 16), timeout(1, 8, "ALLREDUCE", 4)], "nccl-timeout-collective-mismatch"),
        ([timeout(0, 8, "SEND", 16), timeout(1, 8, "RECV", 16)], "nccl-timeout-straggler"),
        ([timeout(0, 8, "ALLREDUCE", 16), timeout(1, 9, "ALLREDUCE", 32)], "nccl-timeout-straggler"),
        ([timeout(3, 8, "ALLREDUCE", 16)], "nccl-timeout-straggler"),
    ],
    ids=["same", "other operation", "other size", "a pair", "other number", "one rank"],
)
def test_the_ranks_are_compared(lines: list[str], cause: str) -> None:
    answer = diagnose(read_text("\n".join(lines), "-"), Situation())
    assert [diagnosis.cause for diagnosis in answer.diagnoses][:1] == [cause]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            [timeout(0, 8, "ALLREDUCE", 16), timeout(1, 8, "ALLREDUCE", 16), timeout(3, 8, "ALLREDUCE", 16)],
            "rank 2, which reports no timeout",
        ),
        ([timeout(0, 8, "ALLREDUCE", 16), timeout(1, 7, "ALLREDUCE", 16), timeout(2, 8, "ALLREDUCE", 16)], "rank 1, still at 7"),
        ([timeout(0, 8, "ALLREDUCE", 16), timeout(1, 8, "ALLREDUCE", 16)], "the one that does not report"),
    ],
    ids=["silent", "behind", "all report"],
)
def test_the_rank_to_look_at_is_named(lines: list[str], words: str) -> None:
    answer = diagnose(read_text("\n".join(lines), "-"), Situation())
    assert words in answer.diagnoses[0].fixes[0].do


def test_the_world_size_tells_which_rank_is_silent() -> None:
    lines = [timeout(rank, 8, "ALLREDUCE", 16) for rank in range(3)]
    answer = diagnose(read_text("\n".join(lines), "-"), Situation(world_size=4))
    assert "rank 3, which reports no timeout while rank 0, 1, 2 waited" in answer.diagnoses[0].fixes[0].do
