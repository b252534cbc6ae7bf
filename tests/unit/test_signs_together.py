"""Signs that compare the ranks count only where all their matches together say so."""

from __future__ import annotations

import pytest

from torchdoctor.diagnose.answer import diagnose
from torchdoctor.diagnose.read import read_text
from torchdoctor.diagnose.situation import Situation


def timeout(rank: int, seq: int, op: str, numel: int) -> str:
    work = f"WorkNCCL(SeqNum={seq}, OpType={op}, NumelIn={numel}, NumelOut={numel}, Timeout(ms)=600000)"
    return f"[rank{rank}]:[E ProcessGroupNCCL.cpp:616] [Rank {rank}] Watchdog caught collective operation timeout: {work} ran for 600011 ms"


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
