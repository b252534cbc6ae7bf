"""Encodings, folders, gzip and large files."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.read import read, scan, sources
from torchdoctor.diagnose.read.names import host_of, rank_of, ranks_of

TRACE = 'Traceback (most recent call last):\n  File "/srv/job/fit.py", line 7, in run\n    step()\nValueError: naïve\n'


def told(log: Log) -> list[tuple[int | None, str, int]]:
    return [(event.rank, event.message, stream.lines[event.last].number) for stream in log.streams for event in stream.events]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings(encoding: str) -> None:
    assert told(read([], TRACE.encode(encoding))) == [(None, "naïve", 4)]


def test_one_bad_byte_does_not_change_the_rest() -> None:
    assert told(read([], b"\xff " + ("é" * 30 + "\n" + TRACE).encode())) == [(None, "naïve", 5)]


def test_nul_bytes_are_dropped() -> None:
    assert told(read([], b"\x00\x00\x00" + TRACE.encode().replace(b"run", b"r\x00un"))) == [(None, "naïve", 4)]


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "job.log.gz"
    path.write_bytes(gzip.compress(TRACE.encode()))
    assert told(read([str(path)])) == [(None, "naïve", 4)]


def test_a_damaged_gzip_file_is_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "job.log.gz"
    path.write_bytes(gzip.compress(TRACE.encode() * 100)[:60])
    read([str(path)])
    path.write_bytes(b"\x1f\x8bnot gzip")
    read([str(path)])


def test_a_missing_file_is_told() -> None:
    with pytest.raises(OSError, match="no-such-file"):
        read(["no-such-file.log"])


def test_folder_of_torchrun(tmp_path: Path) -> None:
    for rank in range(3):
        folder = tmp_path / "none_abc" / "attempt_0" / str(rank)
        folder.mkdir(parents=True)
        (folder / "stdout.log").write_text(f"step {rank}\n")
        (folder / "stderr.log").write_text(TRACE if rank == 1 else "")
    log = read([str(tmp_path)])
    assert told(log) == [(1, "naïve", 4)]
    assert [stream.rank for stream in log.streams if stream.text] == [0, 1, 2]
    assert len(log.files) == 6


@pytest.mark.parametrize(
    ("path", "rank"),
    [
        ("logs/none_x/attempt_0/3/stderr.log", 3),
        ("slurm-12345_4.out", 4),
        ("out/1/rank.7/stderr", 7),
        ("rank3.log", 3),
        ("train_rank_12.out", 12),
        ("job-worker-3.log", 3),
        ("log.rank-5.txt", 5),
        ("slurm-12345.out", None),
        ("train.log", None),
        ("frank3.log", None),
    ],
)
def test_rank_of_a_name(path: str, rank: int | None) -> None:
    assert rank_of(path) == rank


def test_ranks_of_names_that_differ_in_a_number() -> None:
    assert ranks_of(["a/out.0", "a/out.1", "b.txt"]) == {"a/out.0": 0, "a/out.1": 1, "b.txt": None}
    assert ranks_of(["run_2024.log", "run_2025.log"]) == {"run_2024.log": None, "run_2025.log": None}


def test_a_master_is_rank_0_and_its_workers_follow() -> None:
    assert ranks_of(["j-master-0.log", "j-worker-0.log", "j-worker-1.log"]) == {
        "j-master-0.log": 0,
        "j-worker-0.log": 1,
        "j-worker-1.log": 2,
    }


@pytest.mark.parametrize(
    ("path", "host"), [("x/job-worker-3.log", "job-worker-3"), ("gpu-node-07/out.log", "gpu-node-07"), ("a/train.log", None)]
)
def test_host_of_a_name(path: str, host: str | None) -> None:
    assert host_of(path) == host


def test_ranks_in_the_lines_win_over_the_name(tmp_path: Path) -> None:
    path = tmp_path / "rank0.log"
    path.write_text("[rank5]: ValueError: x\n")
    assert told(read([str(path)])) == [(5, "x", 1)]


def healthy(lines: int) -> str:
    return "".join(f"step {number} loss 1.{number % 1000:03d} error_rate 0.01 lr 3e-4 tokens/s 12345\n" for number in range(lines))


def numbers_are_right(log: Log, text: str) -> None:
    physical = text.split("\n")
    for stream in log.streams:
        for line in stream.lines:
            if line.text:
                assert line.text == physical[line.number - 1].rstrip()


@pytest.fixture(params=["hyperscan", "python"])
def scanner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "hyperscan":
        pytest.importorskip("hyperscan")
    else:
        monkeypatch.setattr(scan, "_hyperscan_scanner", lambda words: None)
    return str(request.param)


def test_a_large_file_keeps_its_line_numbers(scanner: str, tmp_path: Path) -> None:
    text = healthy(9_000) + TRACE + healthy(9_000) + TRACE.replace("naïve", "second") + healthy(20)
    path = tmp_path / "big.log"
    path.write_text(text, encoding="utf-8")
    assert len(text) > sources.SMALL
    log = read([str(path)])
    assert told(log) == [(None, "naïve", 9_004), (None, "second", 18_008)]
    assert log.total_lines == 18_028
    assert sum(len(stream.lines) for stream in log.streams) < 2_000
    numbers_are_right(log, text)


@pytest.mark.parametrize("shift", range(0, 300, 7))
def test_a_failure_at_every_place_of_a_block_is_found(scanner: str, shift: int) -> None:
    text = "y" * (scan.BLOCK - 150 + shift) + "\n" + TRACE + ("x" * 77 + "\n") * 300
    handle = io.BytesIO(text.encode())
    found = scan.Scan(scan.make_scanner()).run(scan.blocks_of(iter(lambda: handle.read(5_000), b"")))
    assert found.lines == 305
    assert any(b"ValueError: na" in region.data and b"Traceback" in region.data for region in found.regions)


def test_a_flood_of_failures_keeps_the_first_and_the_last(scanner: str) -> None:
    many = "".join(TRACE.replace("naïve", f"number {number}") for number in range(40_000))
    log = read([], many.encode())
    messages = [message for _, message, _ in told(log)]
    assert messages[0] == "number 0"
    assert messages[-1] == "number 39999"
    assert sum(len(line.text) for stream in log.streams for line in stream.lines) < 1_500_000
    numbers_are_right(log, many)
    assert log.notes


def test_one_endless_line_is_bounded(scanner: str) -> None:
    log = read([], b"a" * 3_000_000 + b"\n" + TRACE.encode())
    assert told(log) == [(None, "naïve", 5)]
    assert max(len(line.text) for stream in log.streams for line in stream.lines) < 200_000


def test_a_large_gzip_file_and_a_stream(scanner: str, tmp_path: Path) -> None:
    text = (healthy(30_000) + TRACE).encode()
    path = tmp_path / "big.log.gz"
    path.write_bytes(gzip.compress(text, 1))
    assert told(read([str(path)])) == [(None, "naïve", 30_004)]
    assert told(read(["-"], io.BytesIO(text))) == [(None, "naïve", 30_004)]


def test_a_large_utf16_file(scanner: str, tmp_path: Path) -> None:
    path = tmp_path / "big.log"
    path.write_bytes((healthy(30_000) + TRACE).encode("utf-16"))
    assert told(read([str(path)])) == [(None, "naïve", 30_004)]


def test_a_small_input_does_not_load_the_scanner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "make_scanner", lambda: pytest.fail("a scanner was made"))
    assert told(read([], TRACE.encode())) == [(None, "naïve", 4)]


def test_a_job_of_many_files(scanner: str, tmp_path: Path) -> None:
    for rank in range(64):
        (tmp_path / f"rank{rank}.log").write_text(healthy(400) + (TRACE if rank == 37 else ""), encoding="utf-8")
    log = read([str(tmp_path)])
    assert told(log) == [(37, "naïve", 404)]
    assert log.total_lines == 64 * 400 + 4
