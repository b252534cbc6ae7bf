"""Whether tensors and modules end up where they are sent, with the values they were sent with."""

from __future__ import annotations

from typing import Callable, Optional, Union

import torch
from torch import Tensor, nn

from torchdoctor.facts.base import Failure
from torchdoctor.facts.work import Misplaced, MixedOperator, PlacementRun, RoundTrip
from torchdoctor.work.layers import Linear
from torchdoctor.work.measure import Record, bit_pattern, dtype_name, failure_of, noise
from torchdoctor.work.tolerance import means_unsupported

FLOATING = ("float64", "float32", "float16", "bfloat16", "complex64")
WHOLE = ("int64", "int32", "int16", "int8", "uint8", "bool")
BLOCK = 1 << 16  # elements of the larger transfer


class Model(nn.Module):
    """A module with one of everything that ``.to()`` has to move; ``first`` and ``last`` share their weight."""

    running: Tensor
    table: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.first = Linear(8, 8, True, torch.float32)
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(8)), nn.Parameter(torch.ones(8))])
        self.last = Linear(8, 8, False, torch.float32)
        self.last.weight = self.first.weight
        self.register_buffer("running", torch.zeros(8))
        self.register_buffer("table", torch.arange(8, dtype=torch.int64), persistent=False)
        with torch.no_grad():
            self.first.weight.copy_(noise((8, 8), 5))
            assert self.first.bias is not None
            self.first.bias.copy_(noise((8,), 6))

    def forward(self, x: Tensor) -> Tensor:
        for scale in self.scales:
            x = self.first(x) * scale
        result: Tensor = self.last(x) + self.running + self.table
        return result


def same_place(found: torch.device, wanted: torch.device) -> bool:
    """Whether a tensor on ``found`` is where it was sent; ``cuda`` without an index takes any of its devices."""
    return found.type == wanted.type and (wanted.index is None or (found.index or 0) == wanted.index)


def run_placement(device: Union[str, torch.device]) -> PlacementRun:
    """Moves a module, its momentum and every dtype to ``device``, and mixes devices on purpose (see ``PlacementRun``).

    Raises nothing: failures are part of the result.
    """
    record = Record(PlacementRun, device=str(device))
    with record:
        record.begin("device")
        wanted = torch.device(device)
        record.begin("module to the device")
        model = Model().to(wanted)
        record.set(ties_kept=model.first.weight is model.last.weight)
        things = _tensors(model)
        _note(record, things, wanted)
        record.begin("training step with momentum")
        things += _stepped(model, wanted) if not record.get("misplaced") else []
        record.begin("generator")
        generator, failure = _generator(wanted)
        record.set(generator_failure=failure)
        found = _note(record, things, wanted)
        if generator is not None and not same_place(generator.device, wanted):
            record.set(misplaced=(*found, Misplaced("generator", "generator", str(generator.device))))
        record.begin("round trips")
        record.set(round_trips=(*(round_trip(wanted, name) for name in FLOATING + WHOLE), _block(wanted)))
        if wanted.type != "cpu":
            record.begin("operators between the device and the CPU")
            record.set(mixed=_mixed(wanted))
    return record.result()


def _note(record: Record[PlacementRun], things: list[tuple[str, str, Tensor]], wanted: torch.device) -> tuple[Misplaced, ...]:
    found = tuple(Misplaced(name, kind, str(value.device)) for name, kind, value in things if not same_place(value.device, wanted))
    record.set(placed=len(things), misplaced=found)
    return found


def _tensors(model: nn.Module) -> list[tuple[str, str, Tensor]]:
    """Every parameter and buffer under every name it has: (name, kind, tensor)."""
    things: list[tuple[str, str, Tensor]] = []
    for prefix, module in model.named_modules():
        for kind, held in (("parameter", module._parameters), ("buffer", module._buffers)):
            things += [(f"{prefix}.{name}".lstrip("."), kind, value) for name, value in held.items() if value is not None]
    return things


def _stepped(model: Model, wanted: torch.device) -> list[tuple[str, str, Tensor]]:
    """One step with momentum; the output, the gradients and the momentum.

    Written out, because the first use of ``torch.optim`` takes longer than all other work together;
    ``training_full`` looks at the states of real optimizers.
    """
    output = model(noise((4, 8), 7).to(torch.float32).to(wanted))
    output.square().mean().backward()
    things: list[tuple[str, str, Tensor]] = [("output", "output", output)]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.grad is None:
                raise RuntimeError(f"backward left no gradient for {name}")
            momentum = torch.zeros_like(parameter).mul_(0.9).add_(parameter.grad)
            parameter.sub_(momentum, alpha=0.1)
            things += [(name, "gradient", parameter.grad), (name, "state", momentum)]
    return things


def _generator(wanted: torch.device) -> tuple[Optional[torch.Generator], Optional[Failure]]:
    try:
        generator = torch.Generator(device=wanted)
        generator.manual_seed(0)
        return generator, None
    except Exception as error:
        return None, failure_of(error)


def samples(name: str) -> Tensor:
    """Values of a dtype that a careless copy would change: both zeros, extremes, subnormals, infinities, NaN."""
    dtype: torch.dtype = getattr(torch, name)
    if dtype == torch.bool:
        return torch.tensor([True, False, False, True, True])
    if not (dtype.is_floating_point or dtype.is_complex):
        limits = torch.iinfo(dtype)
        return torch.tensor([0, 1, limits.max, limits.min, limits.max // 3, 7], dtype=dtype)
    real = torch.finfo(dtype)
    subnormal = real.tiny * real.eps
    values = [0.0, -0.0, 1.0, -1.0, 1 / 3, real.max, real.min, real.tiny, subnormal, float("inf"), float("-inf"), float("nan")]
    if dtype.is_complex:
        return torch.tensor([complex(a, b) for a, b in zip(values, reversed(values))], dtype=dtype)
    return torch.tensor(values, dtype=torch.float64).to(dtype)


def round_trip(wanted: torch.device, name: str) -> RoundTrip:
    """Sends values there and back, contiguous and transposed, and compares them bit for bit."""
    try:
        values = samples(name)
        flat = _differs(values, wanted)
        grid = torch.stack((values, values.flip(0))).t()
        return _trip(name, flat or _differs(grid, wanted))
    except Exception as error:
        return _failed_trip(name, error)


def _block(wanted: torch.device) -> RoundTrip:
    """A larger transfer, in which a lost page or a wrong offset shows."""
    try:
        return _trip("block", _differs(torch.arange(BLOCK, dtype=torch.int32), wanted))
    except Exception as error:
        return _failed_trip("block", error)


def _trip(name: str, difference: str) -> RoundTrip:
    return RoundTrip(name, "differs" if difference else "same", difference)


def _failed_trip(name: str, error: Exception) -> RoundTrip:
    """A refusal is ``unsupported``; MPS says it in a TypeError that names the dtype. Anything else must not pass for that."""
    failure = failure_of(error)
    refused = means_unsupported(failure) or isinstance(error, TypeError)
    return RoundTrip(name, "unsupported" if refused else "failed", f"{failure.type}: {failure.message}")


def _differs(values: Tensor, wanted: torch.device) -> str:
    """How the values changed on the way, or an empty string."""
    there = values.to(wanted)
    if not same_place(there.device, wanted):
        return f"is on {there.device}, not on {wanted}"
    if there.dtype != values.dtype:
        return f"became {dtype_name(there.dtype)} on the device"
    back = there.to("cpu")
    if back.dtype != values.dtype:
        return f"became {dtype_name(back.dtype)} on the way back"
    if back.shape != values.shape:
        return f"has shape {tuple(back.shape)} instead of {tuple(values.shape)}"
    wrong = (bit_pattern(back) != bit_pattern(values)).reshape(values.numel(), -1).any(-1)
    count = int(wrong.sum())
    if not count:
        return ""
    place = int(wrong.nonzero()[0, 0])
    return f"{count} of {values.numel()} values changed: {values.flatten()[place].item()} became {back.flatten()[place].item()}"


_OPERATORS: tuple[tuple[str, Callable[[Tensor, Tensor], Tensor]], ...] = (
    ("add", lambda there, here: there + here),
    ("matmul", lambda there, here: there @ here),
    ("linear", lambda there, here: torch.nn.functional.linear(there, here)),
    ("embedding", lambda there, here: torch.nn.functional.embedding(here[0].to(torch.int64), there)),
    ("cat", lambda there, here: torch.cat((there, here))),
)


def _mixed(wanted: torch.device) -> tuple[MixedOperator, ...]:
    """Operators with one input on the device and one on the CPU: each has to raise."""
    here = torch.ones(4, 4)
    there = here.to(wanted)
    outcomes = []
    for name, operator in _OPERATORS:
        try:
            operator(there, here)
            outcomes.append(MixedOperator(name, True))
        except Exception as error:
            outcomes.append(MixedOperator(name, False, failure_of(error).message))
    return tuple(outcomes)
