"""Configuration: file, environment, flags."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchdoctor.config import KEYS, ConfigError, find_file, from_flags, from_table, load
from torchdoctor.engine.select import Named
from torchdoctor.model import Status

CHECKS = (Named("pcie-link", "TD312", "device"), Named("nccl-built", "TD601", "distributed"))


def write(folder: Path, text: str) -> Path:
    file = folder / "pyproject.toml"
    file.write_text(text, encoding="utf-8")
    return file


FULL = """
[tool.torchdoctor]
select = ["device", "TD6"]
fail-on = "warn"
deadline = 60
checks-dir = "more"
require = ["nccl-built"]
[tool.torchdoctor.ignore]
"TD312@gpu:3" = { reason = "riser, ticket 4711", until = 2027-01-31 }
nccl-built = "one GPU only"
[tool.torchdoctor.deadlines]
nccl-built = 5.5
[tool.torchdoctor.expect]
gpus = 8
torch = ">=2.4"
"""


def test_everything_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    file = write(tmp_path, FULL)
    config = load(tmp_path / "deep" / "er", {})
    assert config.file == file
    assert config.select == ("device", "TD6")
    assert config.fail_on is Status.WARN
    assert config.deadline == 60 and config.deadlines == {"nccl-built": 5.5}
    assert config.checks_dir == tmp_path / "more"
    assert config.require == ("nccl-built",)
    assert [e.text for e in config.expect] == ["gpus=8", "torch>=2.4"]
    first, second = config.ignore
    assert (first.selector, first.subject, first.reason, first.until) == (
        "TD312",
        "gpu:3",
        "riser, ticket 4711",
        datetime.date(2027, 1, 31),
    )
    assert (second.text, second.reason, second.until) == ("nccl-built", "one GPU only", None)
    config.check_names(CHECKS)


def test_without_a_file_everything_is_default(tmp_path: Path) -> None:
    config = load(tmp_path, {})
    assert (config.select, config.ignore, config.fail_on, config.deadline, config.expect) == ((), (), Status.FAIL, None, ())


def test_files_of_other_tools_are_passed_over(tmp_path: Path) -> None:
    outer = write(tmp_path, "[tool.torchdoctor]\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    write(inner, "[tool.ruff]\nline-length = 100 # torchdoctor\n")
    assert find_file(inner) == outer


def test_environment_over_file_and_flags_over_both(tmp_path: Path) -> None:
    write(
        tmp_path,
        '[tool.torchdoctor]\nselect = ["TD3"]\nfail-on = "warn"\ndeadline = 60\nignore = ["TD601"]\nexpect = ["gpus=8 nccl=true"]\n',
    )
    environ = {"TORCHDOCTOR_SELECT": "TD6, device", "TORCHDOCTOR_DEADLINE": "30", "TORCHDOCTOR_EXPECT": "gpus=4", "TORCHDOCTOR_FAIL_ON": ""}
    flags = from_flags(deadline=5, ignore=["TD312@gpu:1"], expectations=["torch>=2.4"])
    config = load(tmp_path, environ, flags)
    assert config.select == ("TD6", "device")
    assert config.deadline == 5
    assert config.fail_on is Status.WARN
    assert [ignore.text for ignore in config.ignore] == ["TD601", "TD312@gpu:1"]
    assert [e.text for e in config.expect] == ["nccl=true", "gpus=4", "torch>=2.4"]


def test_flags_that_were_not_given_change_nothing(tmp_path: Path) -> None:
    write(tmp_path, FULL.replace('checks-dir = "more"\n', ""))
    assert load(tmp_path, {}, from_flags()) == load(tmp_path, {})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('selct = ["device"]', ["selct", "did you mean select"]),
        ("select = 3", ["select", "list of strings"]),
        ('select = [""]', ["select", "list of strings"]),
        ('fail-on = "warning"', ["fail-on", "did you mean warn"]),
        ("fail-on = true", ["fail-on", "accepted: fail, warn"]),
        ("deadline = -1", ["deadline", "positive"]),
        ("deadline = true", ["deadline", "seconds"]),
        ("deadline = nan", ["deadline", "positive"]),
        ("deadlines = 5", ["deadlines", "table"]),
        ('deadlines = { x = "soon" }', ["deadlines: x", "seconds"]),
        ("expect = { gpu = 8 }", ["expect", "did you mean gpus"]),
        ('expect = ["gpus=many"]', ["expect", "whole number"]),
        ('checks-dir = "nowhere"', ["checks-dir", "nowhere"]),
        ('ignore = { "TD312" = "" }', ["TD312", "reason"]),
        ('ignore = { "TD312" = { until = 2027-01-31 } }', ["TD312", "reason"]),
        ('ignore = { "TD312" = { reason = "x", untill = 2027-01-31 } }', ["TD312", "did you mean until"]),
        ('ignore = { "TD312" = { reason = "x", until = "soon" } }', ["TD312", "2027-01-31"]),
        ('ignore = ["@gpu:3"]', ["ignore", "CHECK@SUBJECT"]),
        ("select = [", ["not valid TOML"]),
    ],
)
def test_what_means_nothing_is_an_error_with_file_and_key(tmp_path: Path, line: str, words: list[str]) -> None:
    file = write(tmp_path, f"[tool.torchdoctor]\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {})
    assert str(file) in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('select = ["devise"]', ["select", "did you mean device"]),
        ('require = ["nccl-bilt"]', ["require", "did you mean nccl-built"]),
        ('ignore = ["TD999"]', ["ignore", "TD999"]),
        ("deadlines = { nccl-bilt = 3 }", ["deadlines", "did you mean nccl-built"]),
    ],
)
def test_names_of_nothing_are_errors_with_file_and_key(tmp_path: Path, line: str, words: list[str]) -> None:
    file = write(tmp_path, f"[tool.torchdoctor]\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {}).check_names(CHECKS, ["cuda-context"])
    for word in (str(file), *words):
        assert word in str(caught.value)


def test_an_error_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^TORCHDOCTOR_DEADLINE: "):
        load(tmp_path, {"TORCHDOCTOR_DEADLINE": "soon"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), JSON, max_size=3))
def test_any_table_is_a_config_or_a_config_error(table: dict[str, object]) -> None:
    try:
        from_table(table, Path("pyproject.toml"))
    except ConfigError as error:
        assert "pyproject.toml" in str(error)
