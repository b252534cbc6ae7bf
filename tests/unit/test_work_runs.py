"""The work on the CPU: right on a healthy one, and what is wrong shows in the numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the work needs torch")

from torchdoctor.codec import from_json, to_json  # noqa: E402
from torchdoctor.facts.base import Failure  # noqa: E402
from torchdoctor.facts.work import Deviation  # noqa: E402
from torchdoctor.work import llama_run, measure, placement, tolerance, training  # noqa: E402
from torchdoctor.work.dtypes import probe_dtype  # noqa: E402
from torchdoctor.work.layers import RMSNorm  # noqa: E402

torch.set_num_threads(1)  # tiny operators on shared machines


# ------------------------------------------------------------------------------------------------ healthy


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_llama_on_a_healthy_cpu(dtype: str) -> None:
    run = llama_run.run_llama("cpu", dtype)
    assert run.failure is None and run.sdpa_failure is None
    assert (run.seen_device, run.seen_dtype) == ("cpu", dtype)
    limit = tolerance.llama(dtype, run.layers)
    measured = [run.forward, run.forward_sdpa, run.cached_reference, *(part.deviation for part in run.stages)]
    assert all(found is not None and not tolerance.beyond(found, limit) for found in measured)
    assert not tolerance.beyond(run.cached, tolerance.cached(dtype, run.layers))
    assert not tolerance.beyond(run.padded, tolerance.cached(dtype, run.layers))
    assert tolerance.greedy_decides(run.greedy_margin, dtype, run.layers)
    assert run.greedy == run.greedy_reference and run.greedy_alone == run.greedy[-1]
    assert len({token for row in run.greedy for token in row}) > 6
    assert run.logprob_sum is not None and run.logprob_sum <= tolerance.logprob_sum()
    assert (run.differing_bits, run.outside_nucleus, run.sampling_repeats, run.stopped) == (0, 0, True, True)
    assert run.sampled >= 12 and run.nucleus_smallest is not None and 1 < run.nucleus_smallest < 64


def test_the_larger_llama_on_a_healthy_cpu() -> None:
    run = llama_run.run_llama("cpu", "float32", full=True)
    assert run.failure is None and run.greedy == run.greedy_reference
    assert not tolerance.beyond(run.forward, tolerance.llama("float32", run.layers))
    assert run.greedy_margin is not None and run.greedy_margin > 0.2 and run.width == 512


@pytest.mark.parametrize("mode", ["fp32", "bf16", "fp16"])
def test_training_on_a_healthy_cpu(mode: str) -> None:
    run = training.run_training("cpu", mode)
    assert run.failure is None
    assert run.seen_dtype == tolerance.MODE_DTYPE[mode]
    limit = tolerance.training(mode)
    assert run.loss_deviation is not None and run.loss_deviation <= limit
    assert len(run.gradients) == 6 and not any(tolerance.beyond(part.deviation, limit) for part in run.gradients)
    assert run.update is not None and not tolerance.beyond(run.update, limit)
    assert (run.non_finite_gradients, run.skipped_steps, run.differing_bits) == (0, 0, 0)
    assert run.losses[-1] is not None and run.losses[0] is not None and run.losses[-1] < 0.7 * run.losses[0]
    assert (run.scale is not None) == (mode == "fp16")


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_dtypes_on_a_healthy_cpu(dtype: str) -> None:
    run = probe_dtype("cpu", dtype)
    assert run.failure is None and run.seen_dtype == dtype
    assert [part.name for part in run.parts] == ["matmul", "add", "softmax", "softmax-backward"]
    assert not any(part.failure or tolerance.beyond(part.deviation, tolerance.elementwise(dtype)) for part in run.parts)


def test_placement_on_a_healthy_cpu() -> None:
    run = placement.run_placement("cpu")
    assert run.failure is None and run.generator_failure is None
    assert run.misplaced == () and run.ties_kept and run.placed > 12
    assert {trip.outcome for trip in run.round_trips} == {"same"} and len(run.round_trips) == 12
    assert run.mixed == ()


def test_results_survive_json() -> None:
    for run in (
        training.run_training("cpu", "bf16"),
        llama_run.run_llama("cpu"),
        placement.run_placement("cpu"),
        probe_dtype("cpu", "float16"),
    ):
        assert from_json(type(run), json.loads(json.dumps(to_json(run), allow_nan=False))) == run


def test_nothing_heavy_is_imported() -> None:
    """torch.optim, the compiler and the like cost more than all the work."""
    code = """
import sys, torch
before = set(sys.modules)
from torchdoctor.work import dtypes, llama_run, placement, training
for mode in ("fp32", "bf16", "fp16"):
    assert training.run_training("cpu", mode).failure is None
assert llama_run.run_llama("cpu").failure is None
assert placement.run_placement("cpu").failure is None
assert dtypes.probe_dtype("cpu", "bfloat16").failure is None
print(*sorted(name for name in set(sys.modules) - before if not name.startswith("torchdoctor")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


# ------------------------------------------------------------------------------------------------ the reference


def test_hand_written_gradients_are_those_of_autograd() -> None:
    weights = {name: value.requires_grad_(True) for name, value in training.starting_weights().items()}
    x, classes = training.batch(0)
    logits = torch.tanh(torch.tanh(x @ weights["A"] + weights["a"]) @ weights["B"] + weights["b"]) @ weights["C"] + weights["c"]
    summed = torch.nn.functional.cross_entropy(logits, classes, reduction="sum")
    summed.backward()
    loss, gradients = training.reference_gradients({name: value.detach() for name, value in weights.items()}, x, classes)
    assert loss == pytest.approx(summed.item() / training.BATCH, rel=1e-13)
    for name, weight in weights.items():
        torch.testing.assert_close(gradients[name], weight.grad, rtol=1e-11, atol=1e-13)


def test_the_update_is_the_rate_times_the_mean_over_samples() -> None:
    """One step, sample by sample."""
    start = training.starting_weights()
    x, classes = training.batch(0)
    moved = {name: value.clone() for name, value in start.items()}
    for row in range(training.BATCH):
        _, gradients = training.reference_gradients(start, x[row : row + 1], classes[row : row + 1])
        for name, value in gradients.items():
            moved[name] -= training.RATE / training.BATCH * value
    _, together = training.reference_gradients(start, x, classes)
    for name, value in start.items():
        torch.testing.assert_close(moved[name], value - training.RATE / training.BATCH * together[name], rtol=1e-11, atol=1e-13)


def test_noise_is_the_same_for_ever() -> None:
    assert measure.noise((6,), 3).mul(128).tolist() == [83.0, -83.0, -95.0, -17.0, -60.0, 15.0]
    values = measure.noise((4096,), 1)
    assert values.abs().max() <= 1 and abs(float(values.mean())) < 0.05 and 0.5 < float(values.std()) < 0.65
    assert torch.equal(values, values.to(torch.bfloat16).double()) and torch.equal(values, values.half().double())


def test_deviation_counts_what_is_not_finite_apart() -> None:
    reference = torch.tensor([1.0, 2.0, -4.0], dtype=torch.float64)
    assert measure.deviation(torch.tensor([1.0, 2.0, -4.0]), reference) == Deviation(0.0, 0.0, 0, 3)
    found = measure.deviation(torch.tensor([1.0, float("nan"), -3.0]), reference)
    assert (found.largest, found.non_finite, found.elements) == (0.25, 1, 3)
    assert measure.deviation(torch.full((3,), float("inf")), reference).non_finite == 3
    with pytest.raises(ValueError, match="shape"):
        measure.deviation(torch.zeros(2), reference)


def test_differing_bits_sees_signs_of_zero_and_takes_nan_as_itself() -> None:
    one, two = torch.tensor([0.0, float("nan"), 1.0]), torch.tensor([-0.0, float("nan"), 1.0])
    assert measure.differing_bits(one, one) == 0
    assert measure.differing_bits(one, two) == 1


# ------------------------------------------------------------------------------------------------ faults


def spoil(monkeypatch: pytest.MonkeyPatch, name: str, nth: int, change: Any) -> None:
    """Changes the result of the n-th call of a torch function that the work uses."""
    calls = iter(range(1, 10**6))
    right = getattr(torch, name)
    monkeypatch.setattr(torch, name, lambda *a, **k: change(right(*a, **k)) if next(calls) == nth else right(*a, **k))


def scaled(value: Any) -> Any:
    return value * torch.ones_like(value).index_fill(0, torch.tensor([0]), 1.01)


def poisoned(value: Any) -> Any:
    return value * torch.ones_like(value).index_fill(0, torch.tensor([0]), float("nan"))


def test_one_wrong_product_in_training_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, "addmm", 2, scaled)
    run = training.run_training("cpu")
    assert run.failure is None
    assert tolerance.beyond(run.update, tolerance.training("fp32"))
    assert any(tolerance.beyond(part.deviation, tolerance.training("fp32")) for part in run.gradients)
    assert run.differing_bits is not None and run.differing_bits > 0  # the second run was right


def test_a_nan_in_training_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, "addmm", 2, poisoned)
    run = training.run_training("cpu")
    assert run.non_finite_gradients is not None and run.non_finite_gradients > 0
    assert run.losses[0] is None and run.loss_deviation is None
    assert run.update is not None and run.update.non_finite > 0
    json.dumps(to_json(run), allow_nan=False)


def test_gradients_that_are_not_finite_are_skipped_by_the_scaler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "INITIAL_SCALE", 2.0**40)
    run = training.run_training("cpu", "fp16")
    assert run.skipped_steps > 0 and run.scale is not None and run.scale < 2.0**40


def test_the_scaler_written_out_does_as_torch_s() -> None:
    parameter = torch.tensor([1.0, 2.0])
    scaler, optimizer = training.FixedScaler(8.0), training.PlainSGD([parameter], 0.5)
    parameter.grad = scaler.scale(torch.tensor([1.0, 1.0]))
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert parameter.tolist() == [0.5, 1.5] and scaler.get_scale() == 8.0
    parameter.grad = torch.tensor([1.0, float("inf")])
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert parameter.tolist() == [0.5, 1.5] and scaler.get_scale() == 4.0


def test_one_wrong_norm_in_the_llama_shows_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    llama_run._reference(llama_run.SMALL)
    calls = iter(range(1, 10**6))
    right = RMSNorm.forward
    monkeypatch.setattr(RMSNorm, "forward", lambda self, x: right(self, x) * (1.01 if next(calls) == 3 else 1.0))
    run = llama_run.run_llama("cpu")
    limit = tolerance.llama("float32", run.layers)
    assert [part.name for part in run.stages if tolerance.beyond(part.deviation, limit)] == ["block 1", "logits"]
    assert tolerance.beyond(run.cached, limit) and not tolerance.beyond(run.cached_reference, limit)
    assert run.differing_bits is not None and run.differing_bits > 0


def test_a_nan_in_the_llama_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    llama_run._reference(llama_run.SMALL)
    right = RMSNorm.forward
    monkeypatch.setattr(RMSNorm, "forward", lambda self, x: right(self, x) * float("nan"))
    run = llama_run.run_llama("cpu")
    assert run.failure is None
    assert run.forward is not None and run.forward.non_finite == run.forward.elements
    assert run.logprob_sum == float("inf") and run.greedy != run.greedy_reference


def test_a_cache_that_is_one_place_off_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    llama_run._reference(llama_run.SMALL)
    from torchdoctor.work.llama import Cache

    right = Cache.extend

    def shifted(self: Any, layer: int, keys: Any, values: Any) -> Any:
        all_keys, all_values = right(self, layer, keys, values)
        return all_keys.roll(1, dims=2), all_values

    monkeypatch.setattr(Cache, "extend", shifted)
    run = llama_run.run_llama("cpu")
    assert not tolerance.beyond(run.forward, tolerance.llama("float32", run.layers))
    assert tolerance.beyond(run.cached, tolerance.cached("float32", run.layers))


def test_float32_that_is_computed_in_bfloat16_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    right = torch.Tensor.__matmul__
    monkeypatch.setattr(
        torch.Tensor, "__matmul__", lambda a, b: right(a.bfloat16(), b.bfloat16()).float() if a.dtype == torch.float32 else right(a, b)
    )
    run = probe_dtype("cpu", "float32")
    assert tolerance.beyond(run.parts[0].deviation, 100 * tolerance.matmul("float32", run.terms))


def test_a_buffer_that_stays_behind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The meta device stands for another place: everything moves there but one buffer."""
    right = placement.Model._apply

    def forgetful(self: Any, fn: Any, *rest: Any, **more: Any) -> Any:
        kept = self.table
        right(self, fn, *rest, **more)
        self.table = kept
        return self

    monkeypatch.setattr(placement.Model, "_apply", forgetful)
    run = placement.run_placement("meta")
    assert [(thing.name, thing.kind, thing.device) for thing in run.misplaced] == [("table", "buffer", "cpu")]


def test_values_that_change_on_the_way_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    right = torch.Tensor.to

    def unsigned(self: Any, *args: Any, **kwargs: Any) -> Any:
        """On the way to the device, float32 loses the sign of zero."""
        there = right(self, *args, **kwargs)
        return there + 0.0 if there.dtype == torch.float32 and isinstance(args[0], torch.device) else there

    monkeypatch.setattr(torch.Tensor, "to", unsigned)
    run = placement.run_placement("cpu")
    trip = next(trip for trip in run.round_trips if trip.dtype == "float32")
    assert trip.outcome == "differs" and trip.detail == "1 of 12 values changed: -0.0 became 0.0"


def test_devices_that_do_not_exist_fail_as_data() -> None:
    for run in (training.run_training("nonsense"), llama_run.run_llama("nonsense"), placement.run_placement("nonsense")):
        assert run.failure is not None and run.failure.type == "RuntimeError" and "nonsense" in run.failure.message
        assert run.failed_step
    unknown = probe_dtype("cpu", "float7")
    assert unknown.failure is not None and "no dtype" in unknown.failure.message


def test_autocast_that_switches_itself_off_is_not_taken_for_support(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some versions of torch only warn, and would train in float32."""

    class Disabled(torch.autocast):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs, enabled=False)

    monkeypatch.setattr(torch, "autocast", Disabled)
    run = training.run_training("cpu", "bf16")
    assert run.failure is not None and tolerance.means_unsupported(run.failure)
    assert run.failure.message == "autocast to bfloat16 is not supported on cpu"


def test_an_unknown_mode_is_the_caller_s_mistake() -> None:
    with pytest.raises(ValueError, match="fp32, bf16, fp16"):
        training.run_training("cpu", "fp8")


# ------------------------------------------------------------------------------------------------ tolerances


@pytest.mark.parametrize(
    ("type_", "message", "expected"),
    [
        ("RuntimeError", "\"addmm_impl_cpu_\" not implemented for 'Half'", True),
        ("TypeError", "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64.", True),
        ("NotImplementedError", "Could not run 'aten::mm' with arguments from the 'SIM' backend", True),
        ("RuntimeError", "Currently, AutocastCPU only support Bfloat16 as the autocast_cpu_dtype", True),
        ("RuntimeError", "CUDA error: an illegal memory access was encountered", False),
        ("torch.OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.00 GiB.", False),
    ],
)
def test_what_is_not_offered_is_told_from_what_broke(type_: str, message: str, expected: bool) -> None:
    assert tolerance.means_unsupported(Failure(type_, message)) is expected


def test_tf32_is_what_float32_products_may_be() -> None:
    assert tolerance.effective_dtype("float32", "highest", "cuda:0") == "float32"
    assert tolerance.effective_dtype("float32", None, "cuda:0") == "float32"
    assert tolerance.effective_dtype("float32", "high", "cuda:0") == "tf32"
    assert tolerance.effective_dtype("float32", "medium", "cpu") == "bfloat16"
    assert tolerance.effective_dtype("float16", "medium", "cuda:0") == "float16"


def test_tolerances_are_ordered_by_precision() -> None:
    order = ["float64", "float32", "float16", "bfloat16"]
    for measure_of in (
        tolerance.elementwise,
        lambda d: tolerance.matmul(d, 64),
        lambda d: tolerance.llama(d, 2),
        lambda d: tolerance.cached(d, 2),
    ):
        values = [measure_of(dtype) for dtype in order]
        assert values == sorted(values) and values[-1] < 0.1
    assert tolerance.beyond(Deviation(0.0, 0.0, 1, 4), 1.0)
    assert not tolerance.beyond(None, 0.0)
