"""The real probes, through the real nvidia-ml-py, against the simulated driver: healthy nodes stay silent, each fault is named."""

from __future__ import annotations

import sys

import pytest

from tests.simulated.nvml import fixtures, scenarios
from torchdoctor import gpu_tables
from torchdoctor.causes import catalogue
from torchdoctor.model import Status

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the simulated driver is a shared library of Linux")

PROBLEMS = (Status.WARN, Status.FAIL, Status.ERROR)


def named(scenario):
    return scenario.name


@pytest.mark.parametrize("scenario", scenarios.healthy(), ids=named)
def test_a_healthy_node_raises_nothing(scenario, drivers, tmp_path):
    outcomes = fixtures.outcomes_of(fixtures.observe(drivers, scenario, tmp_path), scenario)
    results = fixtures.results(outcomes)
    assert not [(r.check, f.subject, f.title) for r in results for f in r.findings if f.status in PROBLEMS]
    assert any(r.status is not Status.SKIP for r in results)
    assert len(outcomes.of("GpuState")) == int(scenario.nvml["count"])


@pytest.mark.parametrize("scenario", scenarios.faults(), ids=named)
def test_a_fault_is_named_with_its_action(scenario, drivers, tmp_path):
    expected = scenario.expected
    results = fixtures.results(fixtures.outcomes_of(fixtures.observe(drivers, scenario, tmp_path), scenario))
    findings = next(r.findings for r in results if r.check == expected.check)
    about = [f for f in findings if f.subject == expected.subject and f.status.word == expected.status]
    assert about, findings
    assert about[0].cause == (expected.cause or None)
    assert about[0].fixes[0].do.startswith(expected.fix)
    assert about[0].evidence
    if scenario.only:
        others = [(r.check, f.title) for r in results for f in r.findings if r.check != scenario.only and f.status in PROBLEMS]
        assert not others
        assert not [f.subject for f in findings if f.subject != expected.subject and f.status in PROBLEMS]


def test_every_gpu_check_has_a_scenario_that_fires_it():
    fired = {scenario.expected.check for scenario in scenarios.faults()}
    assert {check.name for check in fixtures.gpu_checks()} == fired


def test_the_causes_that_checks_and_tables_name_are_in_the_catalogue():
    known = set(catalogue().causes)
    expected = {scenario.expected.cause for scenario in scenarios.faults()} - {""}
    assert expected <= known
    assert {xid.cause for xid in gpu_tables.xids().values()} - {""} <= known
