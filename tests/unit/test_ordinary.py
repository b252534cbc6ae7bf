"""The program's own exception: no GPU matter in one process, the root in a job of several ranks."""

from __future__ import annotations

from torchdoctor.diagnose.answer import diagnose
from torchdoctor.diagnose.facts import gather
from torchdoctor.diagnose.read import read_text
from torchdoctor.model import Answer

TRACE = 'Traceback (most recent call last):\n  File "/srv/app/fit.py", line 9, in <module>\n    row = table[key]\n'


def said(text: str) -> Answer:
    log = read_text(text, "-")
    return diagnose(log, gather(log, None, local=False)[0])


def ranked(number: int, text: str) -> str:
    return "".join(f"[rank{number}]: {line}\n" for line in text.splitlines())


def test_one_process() -> None:
    answer = said(TRACE + "KeyError: 'width'\n")
    assert answer.diagnoses == ()
    assert answer.ordinary
    assert [quote.text for quote in answer.unrecognised] == ["KeyError: 'width'"]
    assert answer.exit_code == 1


def test_healthy_output() -> None:
    answer = said("epoch 1 error=0.1 nan_count=0 cuda:0 NCCL 2.21\nfinished without errors\n")
    assert (answer.diagnoses, answer.unrecognised, answer.exit_code, answer.ordinary) == ((), (), 0, False)


def test_one_rank_of_a_job() -> None:
    answer = said(ranked(0, "step 10") + ranked(1, TRACE + "KeyError: 'width'"))
    first = answer.diagnoses[0]
    assert first.cause == "user-error-in-rank"
    assert "rank 1" in first.title
    assert "KeyError" in first.title
    assert first.evidence[0].rank == 1
    assert answer.exit_code == 0


def test_the_launchers_lines_are_its_consequence() -> None:
    launcher = (
        "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n"
        "============================================================\nfit.py FAILED\n"
        "Root Cause (first observed failure):\n[0]:\n  time      : 2025-01-02_10:00:00\n  host      : n1\n"
        "  rank      : 1 (local_rank: 1)\n  exitcode  : 1 (pid: 71)\n  error_file: <N/A>\n"
    )
    answer = said(ranked(1, TRACE + "FileNotFoundError: [Errno 2] No such file or directory: 'train.csv'") + launcher)
    assert answer.diagnoses[0].cause == "user-error-in-rank"
    assert "torchrun-child-failed" in [echo.cause for echo in answer.diagnoses[0].explains]
    assert any("path" in fix.do for fix in answer.diagnoses[0].fixes)


def test_an_exception_that_speaks_of_the_gpu_is_not_ordinary() -> None:
    answer = said(TRACE + "RuntimeError: CUDA error: something nobody has seen\n")
    assert not answer.ordinary
    assert not any(one.cause == "user-error-in-rank" for one in answer.diagnoses)


def test_the_original_of_a_chain_is_named() -> None:
    chain = (
        TRACE
        + "KeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\n"
        + TRACE
        + "ValueError: no column a\n"
    )
    answer = said(ranked(0, "step 1") + ranked(2, chain))
    assert "KeyError" in answer.diagnoses[0].title
