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


def died(rank: int, local: int, number: int) -> str:
    return f"  rank      : {rank} (local_rank: {local})\n  exitcode  : -{number} (pid: 7{rank})\n  error_file: <N/A>"


def gloo(rank: int, words: str) -> str:
    return f"[rank{rank}]: RuntimeError: [../third_party/gloo/gloo/transport/tcp/pair.cc:534] {words}"


def fingerprint(rank: int, call: str) -> str:
    return f"Rank {rank} is running collective: CollectiveFingerPrint(SequenceNumber=4, {call})"


def mismatch(one: str, other: str, aspect: str) -> str:
    return f"RuntimeError: Detected mismatch between collectives on ranks. {one}, but {other}.Collectives differ in the following aspects: {aspect}"


@pytest.mark.parametrize(
    ("text", "cause", "words"),
    [
        (f"ERROR:agent:failed (exitcode: -9) local_rank: 1 (pid: 79)\n{died(9, 1, 9)}", "host-oom-killed", "Rank 9 was killed"),
        ("ERROR:torch.distributed.elastic:failed (exitcode: -9) local_rank: 1 (pid: 79)", "host-oom-killed", "Local rank 1 was killed"),
        (died(3, 3, 11), "rank-segfault", "Rank 3 crashed"),
        (
            "[rank2]: Fatal Python error: Segmentation fault\n" + gloo(0, "Connection closed by peer [10.0.0.2]:9"),
            "rank-segfault",
            "Rank 2 crashed",
        ),
        ("Fatal Python error: Segmentation fault", "native-segfault", "The process died"),
        (
            f"{gloo(0, 'Connection closed by peer [10.0.0.2]:9')}\n{gloo(2, 'Read error [10.0.0.2]:9: Connection reset by peer')}",
            "peer-rank-died-elsewhere",
            "rank 1 (it reports no lost connection, rank 0, 2 did)",
        ),
        (
            "\n".join(f"[rank{rank}]: RuntimeError: Timed out waiting 9000ms for recv operation to complete" for rank in (0, 1, 3)),
            "nccl-timeout-straggler",
            "rank 2, which reports no timeout",
        ),
        (
            "\n".join(mismatch(fingerprint(0, "OpType=GATHER"), fingerprint(rank, "OpType=BARRIER"), "Op type") for rank in (1, 2)),
            "nccl-timeout-collective-mismatch",
            "rank 0 (GATHER while the others run BARRIER)",
        ),
        (
            mismatch(
                fingerprint(0, "OpType=ALLREDUCE, TensorShape=[4]"),
                fingerprint(1, "OpType=ALLREDUCE, TensorShape=[5]"),
                "Tensor Tensor shapes",
            ),
            "collective-shape-mismatch",
            "rank 0 has [4] and rank 1 has [5]",
        ),
    ],
    ids=["another node", "local only", "table", "in a rank", "in one process", "silent peer", "late", "odd call", "odd shape"],
)
def test_the_words_name_the_rank(text: str, cause: str, words: str) -> None:
    first = diagnose(read_text(text, "-"), Situation()).diagnoses[0]
    assert first.cause == cause
    assert words in " ".join((first.title, first.why, *(fix.do for fix in first.fixes)))


def test_a_rank_is_not_taken_for_the_local_rank_of_another_node() -> None:
    text = f"ERROR:agent:failed (exitcode: -9) local_rank: 1 (pid: 79)\n{died(9, 1, 9)}"
    ranks = {quote.rank for quote in diagnose(read_text(text, "-"), Situation()).diagnoses[0].evidence}
    assert 1 not in ranks and 9 in ranks
