"""Which interpreter is examined, on every platform, with the platform as an input."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchdoctor.engine.patient import NoInterpreter, choose, python_of

OWN = "/opt/doctor/bin/python"


def make_environment(folder: Path, platform: str = "linux") -> str:
    program = folder / ("Scripts/python.exe" if platform == "win32" else "bin/python")
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    return str(program)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_active_virtual_environment_comes_before_conda(tmp_path: Path, platform: str) -> None:
    program = make_environment(tmp_path / "venv", platform)
    make_environment(tmp_path / "conda", platform)
    environ = {"VIRTUAL_ENV": str(tmp_path / "venv"), "CONDA_PREFIX": str(tmp_path / "conda"), "CONDA_DEFAULT_ENV": "train"}
    assert choose(None, environ, OWN, "/opt/doctor", platform).executable == program


def test_a_named_conda_environment_is_meant(tmp_path: Path) -> None:
    program = make_environment(tmp_path / "envs" / "train")
    chosen = choose(None, {"CONDA_PREFIX": str(tmp_path / "envs" / "train"), "CONDA_DEFAULT_ENV": "train"}, OWN, "/opt/doctor", "linux")
    assert (chosen.executable, chosen.why) == (program, "the active conda environment")


def test_condas_base_is_not_meant_unless_the_doctor_is_a_tool(tmp_path: Path) -> None:
    program = make_environment(tmp_path / "conda")
    environ = {"CONDA_PREFIX": str(tmp_path / "conda"), "CONDA_DEFAULT_ENV": "base"}
    assert choose(None, environ, OWN, "/home/u/project/.venv", "linux").executable == OWN
    assert choose(None, environ, OWN, "/home/u/.local/share/uv/tools/torchdoctor", "linux").executable == program


def test_a_stale_virtual_environment_is_passed_over() -> None:
    assert choose(None, {"VIRTUAL_ENV": "/gone"}, OWN, "/opt/doctor", "linux").executable == OWN


def test_a_folder_or_a_program_may_be_named(tmp_path: Path) -> None:
    program = make_environment(tmp_path / "env")
    assert choose(str(tmp_path / "env"), {}, OWN, "/opt", "linux").executable == program
    assert choose(program, {}, OWN, "/opt", "linux").executable == program


def test_what_does_not_exist_is_an_error_that_names_it() -> None:
    with pytest.raises(NoInterpreter, match=r"/no/python.*no such interpreter"):
        choose("/no/python", {}, OWN, "/opt", "linux")


def test_conda_keeps_python_at_the_top_on_windows(tmp_path: Path) -> None:
    (tmp_path / "python.exe").touch()
    assert python_of(str(tmp_path), "win32") == str(tmp_path / "python.exe")
