"""A simulated accelerator is found right when it is healthy, and each planted fault shows in what is measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulated.accelerator import environment, why_not
from torchdoctor.codec import from_json
from torchdoctor.facts.work import DtypeRun, LlamaRun, PlacementRun, TrainingRun
from torchdoctor.work import tolerance

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "available")

KINDS: dict[str, Any] = {"llama": LlamaRun, "training": TrainingRun, "placement": PlacementRun, "dtype": DtypeRun}
WRONG = {"kind": "wrong-product", "every": 37, "device": 1}
SCENARIOS: list[dict[str, Any]] = [
    {"name": "healthy llama", "run": "llama"},
    {"name": "healthy llama bf16", "run": "llama", "mode": "bfloat16"},
    *({"name": f"healthy training {mode}", "run": "training", "mode": mode} for mode in ("fp32", "bf16", "fp16")),
    {"name": "healthy placement", "run": "placement"},
    {"name": "healthy dtype", "run": "dtype", "mode": "float16"},
    {"name": "second training", "run": "training", "device": "sim:1"},
    {"name": "second placement", "run": "placement", "device": "sim:1"},
    {"name": "wrong llama", "run": "llama", "device": "sim:1", "faults": [WRONG]},
    {"name": "wrong training", "run": "training", "device": "sim:1", "faults": [WRONG]},
    {"name": "wrong elsewhere", "run": "training", "device": "sim:0", "faults": [WRONG]},
    {"name": "nan llama", "run": "llama", "faults": [{"kind": "nan", "operator": "aten::_softmax", "every": 3}]},
    {"name": "nan training", "run": "training", "faults": [{"kind": "nan", "operator": "aten::tanh", "every": 5}]},
    {"name": "memory llama", "run": "llama", "faults": [{"kind": "out-of-memory", "operator": "aten::silu"}]},
    {"name": "memory training", "run": "training", "faults": [{"kind": "out-of-memory", "operator": "aten::addmm", "every": 3}]},
    {"name": "cast placement", "run": "placement", "faults": [{"kind": "cast", "dtype": "float64", "to": "float32"}]},
    {"name": "cast llama", "run": "llama", "faults": [{"kind": "cast", "dtype": "float32", "to": "bfloat16"}]},
    {"name": "cast dtype", "run": "dtype", "mode": "float16", "faults": [{"kind": "cast", "dtype": "float16", "to": "float32"}]},
    {"name": "left behind", "run": "placement", "faults": [{"kind": "left-behind", "dtype": "int64", "elements": 8}]},
    {"name": "absent device", "run": "training", "device": "sim:7"},
]


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """All scenarios, run in one process."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("scenarios.py")), *map(json.dumps, SCENARIOS)],
        env=environment(devices=2),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = {scenario["name"]: KINDS[scenario["run"]] for scenario in SCENARIOS}
    return {line["name"]: from_json(kinds[line["name"]], line["result"]) for line in lines}


# ------------------------------------------------------------------------------------------------ healthy


@pytest.mark.parametrize(("name", "dtype"), [("healthy llama", "float32"), ("healthy llama bf16", "bfloat16")])
def test_healthy_llama(measured: dict[str, Any], name: str, dtype: str) -> None:
    run: LlamaRun = measured[name]
    assert run.failure is None and run.sdpa_failure is None
    assert (run.seen_device, run.seen_dtype) == ("sim:0", dtype)
    for found in (run.forward, run.forward_sdpa, run.cached_reference):
        assert found is not None and not tolerance.beyond(found, tolerance.llama(dtype, run.layers))
    for found in (run.cached, run.padded):
        assert found is not None and not tolerance.beyond(found, tolerance.cached(dtype, run.layers))
    assert run.greedy == run.greedy_reference and run.greedy_alone == run.greedy[-1]
    assert (run.differing_bits, run.outside_nucleus, run.sampling_repeats, run.stopped) == (0, 0, True, True)


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("healthy training fp32", "sim:0"),
        ("healthy training bf16", "sim:0"),
        ("healthy training fp16", "sim:0"),
        ("second training", "sim:1"),
    ],
)
def test_healthy_training(measured: dict[str, Any], name: str, device: str) -> None:
    run: TrainingRun = measured[name]
    assert run.failure is None and run.seen_device == device
    assert run.seen_dtype == tolerance.MODE_DTYPE[run.mode]
    assert run.update is not None and not tolerance.beyond(run.update, tolerance.training(run.mode))
    assert run.loss_deviation is not None and run.loss_deviation <= tolerance.training(run.mode)
    assert (run.non_finite_gradients, run.skipped_steps, run.differing_bits) == (0, 0, 0)


@pytest.mark.parametrize("name", ["healthy placement", "second placement"])
def test_healthy_placement(measured: dict[str, Any], name: str) -> None:
    run: PlacementRun = measured[name]
    assert run.failure is None and run.misplaced == () and run.placed > 12 and run.ties_kept
    assert {trip.outcome for trip in run.round_trips} == {"same"}
    assert len(run.mixed) == 5 and not any(one.computed for one in run.mixed)
    assert all("two devices" in one.message for one in run.mixed)
    # A backend written in Python has no generators: that is not offered, which is not the same as broken.
    assert run.generator_failure is not None and tolerance.means_unsupported(run.generator_failure)


def test_healthy_dtype(measured: dict[str, Any]) -> None:
    run: DtypeRun = measured["healthy dtype"]
    assert run.seen_dtype == "float16"
    assert not any(part.failure or tolerance.beyond(part.deviation, tolerance.elementwise("float16")) for part in run.parts)


# ------------------------------------------------------------------------------------------------ faults


def test_a_wrong_product_once_in_a_while(measured: dict[str, Any]) -> None:
    llama: LlamaRun = measured["wrong llama"]
    limit = tolerance.llama("float32", llama.layers)
    assert llama.failure is None
    assert any(tolerance.beyond(found, 100 * limit) for found in (llama.forward, llama.forward_sdpa, llama.cached, llama.cached_reference))
    training: TrainingRun = measured["wrong training"]
    assert training.failure is None and tolerance.beyond(training.update, 100 * tolerance.training("fp32"))
    assert training.differing_bits is not None and training.differing_bits > 0


def test_a_fault_of_one_device_is_not_another_s(measured: dict[str, Any]) -> None:
    assert not tolerance.beyond(measured["wrong elsewhere"].update, tolerance.training("fp32"))


def test_a_nan(measured: dict[str, Any]) -> None:
    llama: LlamaRun = measured["nan llama"]
    spoilt = [found.non_finite for found in (llama.forward, llama.forward_sdpa, llama.cached_reference, llama.padded) if found is not None]
    assert llama.failure is None and any(spoilt)
    training: TrainingRun = measured["nan training"]
    assert training.non_finite_gradients is not None and training.non_finite_gradients > 0
    assert None in training.losses


@pytest.mark.parametrize(("name", "step"), [("memory llama", "full forward"), ("memory training", "training")])
def test_out_of_memory(measured: dict[str, Any], name: str, step: str) -> None:
    run = measured[name]
    assert run.failure is not None and run.failure.type.split(".")[-1] == "OutOfMemoryError"
    assert "out of memory" in run.failure.message and run.failed_step == step
    assert not tolerance.means_unsupported(run.failure)


def test_a_dtype_that_is_silently_cast(measured: dict[str, Any]) -> None:
    placement: PlacementRun = measured["cast placement"]
    changed = {trip.dtype: trip.detail for trip in placement.round_trips if trip.outcome != "same"}
    assert changed == {"float64": "became float32 on the device"}
    llama: LlamaRun = measured["cast llama"]
    assert llama.dtype == "float32" and llama.seen_dtype == "bfloat16"
    assert tolerance.beyond(llama.forward, tolerance.llama("float32", llama.layers))
    assert measured["cast dtype"].seen_dtype == "float32"


def test_a_buffer_that_is_left_behind(measured: dict[str, Any]) -> None:
    run: PlacementRun = measured["left behind"]
    assert [(thing.name, thing.kind, thing.device) for thing in run.misplaced] == [("table", "buffer", "cpu")]


def test_a_device_that_is_not_there(measured: dict[str, Any]) -> None:
    run: TrainingRun = measured["absent device"]
    assert run.failure is not None and "invalid device ordinal" in run.failure.message


@pytest.fixture
def announcement(tmp_path: Path) -> Iterator[Path]:
    """A pipe that a hanging operator writes its name to."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes on this platform")
    path = tmp_path / "announcement"
    os.mkfifo(path)
    yield path


def test_an_operator_that_hangs(announcement: Path) -> None:
    """It says which one before it blocks, and is still there afterwards."""
    fault = {"kind": "hang", "operator": "aten::silu", "announce": str(announcement)}
    scenario = {"name": "hang", "run": "llama", "faults": [fault]}
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("scenarios.py")), json.dumps(scenario)],
        env=environment(),
        stdout=subprocess.PIPE,
    )
    try:
        assert announcement.read_text(encoding="utf-8") == "aten::silu"
        assert process.poll() is None
    finally:
        process.kill()
        output, _ = process.communicate()
    assert output == b""


# ------------------------------------------------------------------------------------------------ the mechanism


def test_import_torch_brings_it(tmp_path: Path) -> None:
    code = """
import torch
print(torch.accelerator.current_accelerator(), torch.accelerator.device_count(), torch.accelerator.is_available())
x = torch.arange(3.0, device="sim:1", requires_grad=True)
(x * x).sum().backward()
print(x.grad.cpu().tolist(), x.grad.device)
try:
    x + torch.ones(3)
except RuntimeError as error:
    print(str(error)[:90])
try:
    torch.ones(2, device="sim:3")
except RuntimeError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(devices=3), capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines() == [
        "sim 3 True",
        "[0.0, 2.0, 4.0] sim:1",
        "Expected all tensors to be on the same device, but found at least two devices, sim:1 and c",
        "SIM error: invalid device ordinal (device 3 of 3)",
    ]


def test_it_can_be_told_to_stay_out(tmp_path: Path) -> None:
    code = "import torch; print(torch.accelerator.current_accelerator(), hasattr(torch, 'sim'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment(), "TORCH_DEVICE_BACKEND_AUTOLOAD": "0"},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.split()[-1] == "False"
