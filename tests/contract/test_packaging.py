"""The wheel and the source distribution hold everything, and what is installed from them finds its checks."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.cli import environment

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)], check=True, capture_output=True)
    return folder


def run_from(folder: Path, *arguments: str) -> str:
    env = environment(PYTHONPATH=str(folder))
    done = subprocess.run([sys.executable, "-m", "torchdoctor", *arguments], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_finds_its_checks_and_data(built: Path, tmp_path: Path) -> None:
    wheel = next(built.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    listed = run_from(tmp_path, "list")
    for file in (ROOT / "checks").glob("[!_]*.py"):
        assert (tmp_path / "torchdoctor" / "checks" / file.name).exists()
    assert listed.count("TD") >= len(list((ROOT / "checks").glob("[!_]*.py")))
    assert str(tmp_path) in run_from(tmp_path, "explain", "TD101")
    assert "nccl-not-built" in run_from(tmp_path, "list", "causes")
    data = {path.name for path in (ROOT / "torchdoctor" / "data").iterdir() if path.suffix in (".tsv", ".json")}
    assert data <= {path.name for path in (tmp_path / "torchdoctor" / "data").iterdir()}
    assert (tmp_path / "torchdoctor" / "py.typed").exists()


def test_the_source_distribution_has_the_checks(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = archive.getnames()
    assert any(name.endswith("/checks/torch_import.py") for name in names)
    assert any(name.endswith("/LICENSE") for name in names)


def test_nothing_is_required_that_would_touch_the_patients_torch(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
        metadata = archive.read(next(n for n in archive.namelist() if n.endswith("METADATA"))).decode()
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert not any("torch" in line for line in needed)
    assert 'Requires-Dist: torch; extra == "torch"' in metadata.replace("'", '"')
