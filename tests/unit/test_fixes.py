"""Fixes fit the situation, name what is known, and their commands are safe to copy."""

from __future__ import annotations

import pytest

from torchdoctor.diagnose.fixes import choose, for_installer, values_of
from torchdoctor.diagnose.situation import Situation
from torchdoctor.model import Fix
from torchdoctor.template import Unfilled, fill, fill_or, placeholders


def test_placeholders_are_filled_from_the_sign_before_the_situation() -> None:
    values = values_of({"torch": "2.1.0", "name": "  a   b "}, Situation(torch="2.4.1", world_size=8))
    assert fill("{torch} {world_size} {name}", values) == "2.1.0 8 a b"


def test_other_words_stand_in() -> None:
    assert fill("on {rank|one rank}: {{x}}", {}) == "on one rank: {x}"


def test_a_plain_placeholder_without_a_value_is_told() -> None:
    with pytest.raises(Unfilled):
        fill("rank {rank}", {})
    assert fill_or("rank {rank}", {}) == "rank <rank>"


def test_placeholders_of_a_template() -> None:
    assert placeholders("{a} {b|x y} {{c}}") == [("a", False), ("b", True)]


def test_a_fix_with_an_unknown_name_is_not_offered() -> None:
    fixes = (Fix("set {port}"), Fix("set another port"))
    assert [fix.do for fix in choose(fixes, {}, Situation())] == ["set another port"]
    assert [fix.do for fix in choose(fixes, {"port": "29500"}, Situation())] == ["set 29500", "set another port"]


def test_conditions_choose() -> None:
    fixes = (Fix("mac", when="os=macos"), Fix("not mac", when="os!=macos"), Fix("always"))
    assert [fix.do for fix in choose(fixes, {}, Situation(os="macos"))] == ["mac", "always"]
    assert [fix.do for fix in choose(fixes, {}, Situation())] == ["not mac", "always"]


def test_a_command_takes_no_value_that_a_shell_would_run() -> None:
    fixes = (Fix("install", ("pip install {module}",)), Fix("other", ("pip install {module|torch}",)))
    chosen = choose(fixes, {"module": "x; rm -rf /"}, Situation())
    assert [fix.commands for fix in chosen] == [("pip install torch",)]
    assert choose(fixes[:1], {"module": "flash-attn==2.5"}, Situation())[0].commands == ("pip install flash-attn==2.5",)


@pytest.mark.parametrize(
    ("command", "installer", "written"),
    [
        ("pip install torch", "uv", "uv pip install torch"),
        ("python -m pip install torch", "uv", "uv pip install torch"),
        ("pip install --user torch", "uv", "pip install --user torch"),
        ("pip install torch", "conda", "python -m pip install torch"),
        ("pip install torch", None, "pip install torch"),
        ("nvidia-smi", "uv", "nvidia-smi"),
        ("pip uninstall -y torch", "uv", "uv pip uninstall torch"),
    ],
)
def test_commands_for_the_installer_in_use(command: str, installer: str | None, written: str) -> None:
    assert for_installer(command, Situation(installer=installer)) == written
