"""What ``diagnose --format json`` writes keeps the contract, whatever is pasted."""

from __future__ import annotations

import importlib.resources
import json

import jsonschema
import pytest
from click.testing import CliRunner

from torchdoctor.causes import catalogue
from torchdoctor.cli import main

SCHEMA = json.loads(importlib.resources.files("torchdoctor.data").joinpath("diagnosis.schema.json").read_text(encoding="utf-8"))
TEXTS = {
    "nothing": "",
    "healthy": "epoch 1 loss 0.3 error=0.01 cuda:0\n",
    "ordinary": 'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n    d["k"]\nKeyError: \'k\'\n',
    "memory": "[rank1]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\n",
    "escapes": "RuntimeError: CUDA error: out of memory \x1b]0;title\x07\x1b[31m \u202e ::error file=x::y ##vso[task] \x00\ud800",
    "bytes": "".join(map(chr, range(256))) * 3,
}


def answer(text: str, *options: str) -> tuple[int, dict]:
    done = CliRunner().invoke(
        main, ["diagnose", "--format", "json", "--no-local-facts", *options, "-"], input=text.encode("utf-8", "surrogatepass")
    )
    return done.exit_code, json.loads(done.stdout)


@pytest.mark.parametrize("name", TEXTS)
def test_the_answer_keeps_the_contract(name: str) -> None:
    code, said = answer(TEXTS[name])
    jsonschema.validate(said, SCHEMA)
    assert code == said["exit_code"]
    assert said["schema"] == 1


def test_every_example_of_the_catalogue_gives_an_answer_of_the_contract() -> None:
    from torchdoctor.diagnose.answer import diagnose
    from torchdoctor.diagnose.facts import gather
    from torchdoctor.diagnose.read import read_text
    from torchdoctor.report.diagnosis_json import render

    validator = jsonschema.Draft202012Validator(SCHEMA)
    for slug, cause in catalogue().causes.items():
        for text in (*cause.examples, *cause.counterexamples):
            log = read_text(text, "-")
            situation, notes = gather(log, None, local=False)
            said = json.loads(render(diagnose(log, situation, notes)))
            errors = [error.message for error in validator.iter_errors(said)]
            assert not errors, (slug, errors[:2])


def test_a_machine_format_stands_alone_and_is_harmless() -> None:
    done = CliRunner().invoke(
        main, ["diagnose", "--format", "json", "--no-local-facts", "-"], input=TEXTS["escapes"].encode("utf-8", "surrogatepass")
    )
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout
    assert "##vso[" not in done.stdout
    assert not done.stderr


@pytest.mark.parametrize(
    ("text", "code"),
    [("all fine\n", 0), (TEXTS["memory"], 0), (TEXTS["ordinary"], 1)],
)
def test_exit_codes(text: str, code: int) -> None:
    assert answer(text)[0] == code


def test_a_missing_file_is_wrong_usage() -> None:
    done = CliRunner().invoke(main, ["diagnose", "/does/not/exist.log"])
    assert done.exit_code == 2
    assert not done.stdout
    assert "does not exist" in done.stderr


def test_a_report_that_is_none_is_wrong_usage(tmp_path) -> None:
    (tmp_path / "r.json").write_text("[]")
    done = CliRunner().invoke(main, ["diagnose", "--facts", str(tmp_path / "r.json"), "-"], input="x")
    assert done.exit_code == 2
    assert "no report" in done.stderr
