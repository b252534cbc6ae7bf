"""Limits of control groups, read from trees as the two versions lay them out."""

from __future__ import annotations

from pathlib import Path

from torchdoctor.probes import cgroup


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_version_2_takes_the_tightest_ancestor(tmp_path: Path) -> None:
    write(tmp_path, a__memory_dot_max="1000\n", a__b__memory_dot_max="max\n", a__b__cpu_dot_max="200000 100000\n")
    groups = "0::/a/b\n"
    assert cgroup.tightest("memory", ("memory.max", "memory.limit_in_bytes"), groups, tmp_path) == (1000, tmp_path / "a")
    assert cgroup.cpu_quota(groups, tmp_path) == 2.0


def test_version_1_has_a_tree_for_each_controller(tmp_path: Path) -> None:
    write(
        tmp_path,
        memory__job__memory_dot_limit_in_bytes="5000",
        cpu__job__cpu_dot_cfs_quota_us="50000",
        cpu__job__cpu_dot_cfs_period_us="100000",
    )
    groups = "4:memory:/job\n3:cpu:/job\n"
    assert cgroup.tightest("memory", ("memory.max", "memory.limit_in_bytes"), groups, tmp_path)[0] == 5000
    assert cgroup.cpu_quota(groups, tmp_path) == 0.5


def test_unlimited_is_no_limit(tmp_path: Path) -> None:
    write(tmp_path, memory_dot_limit_in_bytes=str(2**63 - 4096), cpu_dot_max="max 100000", memory_dot_max="max")
    assert cgroup.tightest("memory", ("memory.max", "memory.limit_in_bytes"), "0::/", tmp_path) == (None, None)
    assert cgroup.cpu_quota("0::/", tmp_path) is None


def test_a_missing_tree_is_no_limit(tmp_path: Path) -> None:
    assert cgroup.tightest("pids", ("pids.max", "pids.max"), "", tmp_path / "none") == (None, None)
