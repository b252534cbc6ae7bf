"""Optimizers, accumulation, checkpointing, clipping and torch.compile, each against its reference."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the work needs torch")

from torchdoctor.facts.work import Part, TrainingFullRun  # noqa: E402
from torchdoctor.work import tolerance, training_full  # noqa: E402

NAMES = ["momentum", "adamw", "accumulation", "checkpointing", "clipping", "clipping-norm", "compile"]
LIMIT = tolerance.optimizer()


def run_without_compiling(monkeypatch: pytest.MonkeyPatch) -> TrainingFullRun:
    """The run with the compiled part left out: that alone takes most of a minute."""
    monkeypatch.setattr(training_full, "_compile", lambda wanted: Part("compile", unavailable="left out"))
    return training_full.run_training_full("cpu")


def part(run: TrainingFullRun, name: str) -> Part:
    return next(one for one in run.parts if one.name == name)


def test_all_parts_are_right_on_a_healthy_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_without_compiling(monkeypatch)
    assert run.failure is None and run.misplaced == ()
    assert [one.name for one in run.parts] == NAMES
    for one in run.parts[:-1]:
        assert one.failure is None and one.deviation is not None
        assert not tolerance.beyond(one.deviation, LIMIT), one


@pytest.mark.slow
def test_compiled_is_eager(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    one = training_full._compile(torch.device("cpu"))
    assert one.unavailable or (one.deviation is not None and not tolerance.beyond(one.deviation, LIMIT))
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "owner", "method", "change"),
    [
        ("momentum", torch.optim.SGD, "step", 0.99),
        ("adamw", torch.optim.AdamW, "step", 0.99),
    ],
)
def test_an_optimizer_that_is_one_percent_off_shows(
    name: str, owner: Any, method: str, change: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = getattr(owner, method)

    def wrong(self: Any, *args: Any, **kwargs: Any) -> Any:
        for group in self.param_groups:
            group["lr"] = training_full.RATE * change
        return right(self, *args, **kwargs)

    monkeypatch.setattr(owner, method, wrong)
    run = run_without_compiling(monkeypatch)
    assert [one.name for one in run.parts if tolerance.beyond(one.deviation, LIMIT)] == [name]


def test_clipping_that_does_nothing_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        torch.nn.utils, "clip_grad_norm_", lambda parameters, limit: torch.stack([p.grad.norm() for p in parameters]).norm()
    )
    run = run_without_compiling(monkeypatch)
    assert [one.name for one in run.parts if tolerance.beyond(one.deviation, LIMIT)] == ["clipping"]


def test_a_part_that_raises_does_not_end_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.optim, "AdamW", broken)
    run = run_without_compiling(monkeypatch)
    assert run.failure is None and len(run.parts) == len(NAMES)
    failure = part(run, "adamw").failure
    assert failure is not None and failure.type == "RuntimeError" and "illegal memory access" in failure.message


def test_optimizer_states_elsewhere_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the meta device nothing can be compared, but the states have a place."""
    right = torch.optim.SGD.step

    def forgetful(self: Any, *args: Any, **kwargs: Any) -> Any:
        right(self, *args, **kwargs)
        for state in self.state.values():
            state["momentum_buffer"] = torch.zeros(1)

    monkeypatch.setattr(torch.optim.SGD, "step", forgetful)
    monkeypatch.setattr(training_full, "STEPS", 1)
    misplaced: list[str] = []
    training_full._optimized(torch.device("cpu"), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.5), misplaced)
    assert misplaced == []
    training_full._optimized(torch.device("meta"), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.5), misplaced)
    assert misplaced[0] == "SGD momentum_buffer of A on cpu" and len(misplaced) == 6


class InvalidCxxCompiler(RuntimeError):
    """Named as torch names it."""


class BackendCompilerFailed(RuntimeError):
    """Carries the real exception, as torch's does."""

    def __init__(self, inner: Exception) -> None:
        super().__init__("backend='inductor' raised:")
        self.inner_exception = inner


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InvalidCxxCompiler("No working C++ compiler found"), "there is no working C++ compiler: No working C++ compiler found"),
        (BackendCompilerFailed(InvalidCxxCompiler("none\nmore")), "there is no working C++ compiler: none"),
        (RuntimeError("torch.compile is not supported on Python 3.15+"), "torch.compile is not supported on Python 3.15+"),
        (RuntimeError("Dynamo is not supported on Python 3.12+"), "Dynamo is not supported on Python 3.12+"),
        (BackendCompilerFailed(ValueError("wrong")), None),
        (RuntimeError("CUDA error: invalid argument"), None),
    ],
)
def test_a_machine_that_cannot_compile_is_told_from_a_compiler_that_breaks(error: Exception, expected: Any) -> None:
    assert training_full.lacking(error) == expected


def test_no_backend_for_the_device_is_said() -> None:
    one = training_full._compile(torch.device("meta"))
    assert one.unavailable == "the default compiler has no backend for meta" and one.failure is None


def test_a_device_that_is_not_there() -> None:
    run = training_full.run_training_full("nonsense")
    assert run.failure is not None and run.failed_step == "device" and run.parts == ()
