"""Verdict, exit code and the sentence."""

from __future__ import annotations

import itertools

import pytest

from torchdoctor.gate import verdict
from torchdoctor.model import CheckResult, Finding, Status
from torchdoctor.summary import summarise

PASS, SKIP, INFO, WARN, ERROR, FAIL = Status


def result(status: Status, name: str = "some-check", group: str = "host", title: str = "") -> CheckResult:
    findings = (Finding(status, title),) if title else ()
    return CheckResult(name, "TD999", group, status, title or "summary", findings)


@pytest.mark.parametrize(
    ("statuses", "fail_on", "required", "wanted"),
    [
        ((), FAIL, (), ("pass", 0)),
        ((PASS, SKIP, INFO), FAIL, (), ("pass", 0)),
        ((PASS, WARN), FAIL, (), ("warn", 0)),
        ((PASS, WARN), WARN, (), ("warn", 1)),
        ((PASS, INFO), WARN, (), ("pass", 0)),
        ((WARN, FAIL), FAIL, (), ("fail", 1)),
        ((ERROR, PASS), FAIL, (), ("error", 0)),
        ((ERROR, PASS), WARN, (), ("error", 0)),
        ((ERROR, PASS), FAIL, ("check-0",), ("error", 3)),
        ((ERROR, PASS), FAIL, ("check-1",), ("error", 0)),
        ((ERROR, FAIL), FAIL, ("check-0",), ("fail", 1)),
        ((ERROR, WARN), WARN, ("check-0",), ("error", 1)),
        ((ERROR, WARN), FAIL, ("check-0",), ("error", 3)),
    ],
)
def test_verdict(statuses: tuple[Status, ...], fail_on: Status, required: tuple[str, ...], wanted: tuple[str, int]) -> None:
    results = [result(status, f"check-{number}") for number, status in enumerate(statuses)]
    assert verdict(results, fail_on, required) == wanted


def test_a_code_may_be_required_as_well() -> None:
    assert verdict([result(ERROR)], FAIL, ("TD999",))[1] == 3


def test_expectations_that_cannot_be_told_are_always_required() -> None:
    assert verdict([result(ERROR, "expectations", "gate")])[1] == 3


def test_a_failed_finding_counts_although_another_could_not_be_told() -> None:
    mixed = CheckResult("x", "TD1", "host", ERROR, "", (Finding(ERROR, "a"), Finding(WARN, "b")))
    assert verdict([mixed], WARN)[1] == 1


def test_the_order_of_results_does_not_matter() -> None:
    results = [result(PASS), result(WARN), result(ERROR, "x"), result(SKIP)]
    assert {verdict(list(order), WARN, ("x",)) for order in itertools.permutations(results)} == {("error", 1)}


WORK = (
    result(PASS, "training-step", "work"),
    result(PASS, "llama-forward", "work"),
    result(PASS, "collective", "distributed"),
)


@pytest.mark.parametrize(
    ("results", "devices", "sentence"),
    [
        (WORK, ("the CPU",), "Ready: a training step, a Llama forward pass and a collective ran on the CPU"),
        (WORK[:1], (), "Ready: a training step ran"),
        (WORK[2:], ("the CPU",), "Nothing wrong found: 1 check passed, a collective ran on the CPU"),
        (
            (CheckResult("x", "TD1", "device", FAIL, "", (Finding(FAIL, "no context", "gpu:3"),)),),
            (),
            "Training on this machine will fail: gpu:3: no context",
        ),
        (WORK[:2], ("8 x H100", "the CPU"), "Ready: a training step and a Llama forward pass ran on 8 x H100 and the CPU"),
        ((*WORK[:1], result(WARN)), (), "Ready, with 1 warning: a training step ran"),
        ((*WORK[:1], result(ERROR), result(ERROR)), (), "Ready: a training step ran; 2 checks could not tell"),
        ((result(PASS), result(INFO)), (), "Nothing wrong found: 2 checks passed"),
        ((result(SKIP),), (), "Nothing was judged: 1 check had nothing to look at here"),
        ((), (), "Nothing was checked"),
        ((*WORK, result(FAIL, title="no driver.")), (), "Training on this machine will fail: no driver"),
        (
            (result(FAIL, "training-step", "work", "it raised"), result(FAIL, "torch-imports", "install", "torch is broken")),
            (),
            "Training on this machine will fail: torch is broken",
        ),
        (
            (result(FAIL, "nccl", "distributed", "no peer"),),
            (),
            "Training with several processes will fail on this machine: no peer",
        ),
        (
            (result(FAIL, "expectations", "gate", "expected gpus=8, found 4"),),
            (),
            "This machine is not what was expected: expected gpus=8, found 4",
        ),
        (
            (result(PASS), result(ERROR, "training-step", "work", "it hung")),
            (),
            "Could not tell whether training will work here: it hung",
        ),
        ((result(WARN, title="low shm"),), (), "1 warning: low shm"),
    ],
)
def test_sentence(results: tuple[CheckResult, ...], devices: tuple[str, ...], sentence: str) -> None:
    assert summarise(results, devices) == sentence


def test_a_broken_machine_is_told_before_a_broken_promise() -> None:
    results = (result(FAIL, "expectations", "gate", "expected cuda=true"), result(FAIL, "driver", "device", "the driver is gone"))
    assert summarise(results).endswith("the driver is gone")


def test_the_sentence_stays_one_line_of_bounded_length() -> None:
    sentence = summarise((result(FAIL, title="it raised\n" + "word " * 500),))
    assert "\n" not in sentence and len(sentence) < 320
