"""An accelerator simulated in Python: the device type ``sim``, computing on the CPU, with faults to plant.

``import torch`` activates it through the entry-point group ``torch.backends`` when this folder is on the
path, as it does a vendor's backend. Needs torch 2.10 or newer; on an older one nothing is registered.

The environment variable TORCHDOCTOR_SIMULATED holds JSON: ``{"devices": 2, "faults": [{"kind": ...}, ...]}``;
a fault's fields are those of ``Fault``. In a process that has torch, ``PLAN`` may be changed at any time.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from typing import Any

VARIABLE = "TORCHDOCTOR_SIMULATED"
NAME = "sim"
MEMORY = 16 * 2**30  # bytes that each device claims to have
PRODUCTS = {"aten::mm", "aten::bmm", "aten::addmm", "aten::baddbmm"}


@dataclass
class Fault:
    """One thing that goes wrong.

    kind: ``wrong-product`` (one element of a matrix product is off), ``nan`` (one element of a result is NaN),
        ``hang``, ``out-of-memory``, ``cast`` (values lose their dtype on the way to the device), ``left-behind``
        (a tensor that is sent to the device stays where it is), ``slow`` (operators take ``factor`` times as long),
        ``throttle`` (the same, but only after ``every`` calls) or ``bad-memory`` (one bit of what is filled or copied flips).
    operator: the operator it strikes, such as ``aten::mm`` (default: what the kind implies).
    device: index of the device it strikes, or None for all.
    every: it strikes each time that many of the fitting calls have been made.
    dtype, to: for ``cast`` and ``left-behind`` the dtype it strikes, and what ``cast`` makes of it.
    elements: for ``left-behind`` only tensors of so many elements.
    announce: file that ``hang`` writes the operator's name to (default: none).
    factor: for ``slow`` and ``throttle``.
    """

    kind: str
    operator: str = ""
    device: int | None = None
    every: int = 1
    dtype: str = ""
    to: str = "float32"
    elements: int | None = None
    announce: str = ""
    factor: float = 3.0
    seen: int = field(default=0, repr=False)

    def strikes(self, device: int) -> bool:
        """Counts one fitting call, and says whether it is the one."""
        if self.device is not None and self.device != device:
            return False
        self.seen += 1
        return self.seen % self.every == 0


@dataclass
class Plan:
    """How many devices there are and what is wrong with them."""

    devices: int = 1
    faults: list[Fault] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Fault]:
        """The faults of some kinds."""
        return [fault for fault in self.faults if fault.kind in kinds]

    @classmethod
    def from_environment(cls) -> Plan:
        """The plan that the environment variable holds."""
        values = json.loads(os.environ.get(VARIABLE) or "{}")
        return cls(values.get("devices", 1), [Fault(**fault) for fault in values.get("faults", [])])


PLAN = Plan.from_environment()


class Clock:
    """The time that each device has worked, in seconds of its own: computed from the work, so that no measurement depends on the machine."""

    PRODUCTS = 1e11  # floating-point operations a second
    MEMORY = 5e10  # bytes a second
    LINK = 1e10  # bytes a second between devices and the host

    def __init__(self) -> None:
        self.seconds: dict[int, float] = {}

    def spend(self, index: int, name: str, operations: float, moved: float, linked: float = 0.0) -> None:
        """One operator's time, with the faults that stretch it."""
        taken = operations / self.PRODUCTS + moved / self.MEMORY + linked / self.LINK
        for fault in PLAN.of("slow", "throttle"):
            if fault.operator in ("", name) and fault.device in (None, index):
                fault.seen += 1
                if fault.kind == "slow" or fault.seen > fault.every:
                    taken *= fault.factor
        self.seconds[index] = self.seconds.get(index, 0.0) + taken


CLOCK = Clock()


def activate() -> None:
    """Registers the device type with torch: the entry point that ``import torch`` calls."""
    from torch.utils import backend_registration

    if hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        _register(backend_registration)


def _register(registration: Any) -> None:
    import torch

    current = threading.local()

    class Hooks(torch._C._acc.PrivateUse1Hooks):  # type: ignore[misc]
        """What torch's C++ asks of a backend."""

        def is_available(self) -> bool:
            return PLAN.devices > 0

        def is_built(self) -> bool:
            return True

        def has_primary_context(self, dev_id: int) -> bool:
            return dev_id < PLAN.devices

    class Moment:
        """A moment in the time of the current device."""

        def __init__(self, enable_timing: bool = False) -> None:
            self.at = 0.0

        def record(self) -> None:
            self.at = CLOCK.seconds.get(getattr(current, "index", 0), 0.0)

        def elapsed_time(self, end: Moment) -> float:
            return (end.at - self.at) * 1000

    class Module(registration._DummyBackendModule):  # type: ignore[misc]
        """``torch.sim``."""

        Event = Moment

        def device_count(self) -> int:
            return PLAN.devices

        def is_available(self) -> bool:
            return PLAN.devices > 0

        def current_device(self) -> int:
            return getattr(current, "index", 0)

        def set_device(self, device: Any) -> None:
            current.index = torch.device(device).index or 0 if not isinstance(device, int) else device

        def synchronize(self, device: Any = None) -> None:
            pass

        def get_device_name(self, device: Any = None) -> str:
            return "Simulated accelerator"

        def get_amp_supported_dtype(self) -> list[Any]:
            return [torch.bfloat16, torch.float16]

        def mem_get_info(self, device: Any = None) -> tuple[int, int]:
            return MEMORY, MEMORY

        def get_rng_state(self, device: Any = None) -> Any:
            return torch.get_rng_state()

        def set_rng_state(self, state: Any, device: Any = None) -> None:
            torch.set_rng_state(state)

    registration._setup_privateuseone_for_python_backend(NAME, backend_module=Module(), hook=Hooks())
    # Parameters keep their identity when a module moves, and with it weights stay tied, as on real devices.
    torch.__future__.set_swap_module_params_on_conversion(True)
    if PLAN.devices > 1:
        _tell_autograd(PLAN.devices)
    _implement()


_kept: list[Any] = []  # memory that torch's C++ points to


def _tell_autograd(devices: int) -> None:
    """Makes the device guard's ``deviceCount`` say more than one, or backward works on ``sim:0`` only.

    Guards written in Python answer 1, fixed in C++, and nothing can be overridden. So the guard gets a copy of
    its virtual table with that one entry exchanged; its place is counted in the header that torch brings.
    """
    import ctypes
    import re
    from pathlib import Path

    import torch

    root = Path(torch.__file__).parent
    declared = (root / "include/c10/core/impl/DeviceGuardImplInterface.h").read_text(encoding="utf-8")
    body = declared[declared.index("struct C10_API DeviceGuardImplInterface") :]
    names = re.findall(r"^  virtual (?:[\w:*]+ )*?([*~]?\w+)\(", body, re.MULTILINE)
    slot, size = names.index("deviceCount"), len(names) + 4  # two destructors, the offset to the top, the type
    registry = (ctypes.c_void_p * 64).in_dll(ctypes.CDLL(str(root / "lib/libc10.so")), "_ZN3c104impl26device_guard_impl_registryE")
    guard = ctypes.c_void_p.from_address(registry[torch._C._autograd.DeviceType.PrivateUse1.value])
    count = ctypes.CFUNCTYPE(ctypes.c_int8, ctypes.c_void_p)
    entry = ctypes.sizeof(ctypes.c_void_p)
    table = (ctypes.c_void_p * size).from_buffer_copy((ctypes.c_char * (size * entry)).from_address(guard.value - 2 * entry))
    if count(table[2 + slot])(registry[torch._C._autograd.DeviceType.PrivateUse1.value]) != 1:
        raise RuntimeError("torch's device guard is not laid out as its header says: more than one simulated device is not possible")
    answer = count(lambda _: devices)
    table[2 + slot] = ctypes.cast(answer, ctypes.c_void_p).value
    guard.value = ctypes.addressof(table) + 2 * entry
    _kept.extend((table, answer))


_library: Any = None  # kept alive: torch forgets operators with the library that brought them


def _implement() -> None:
    """The tensor type and the few operators that torch does not reach through it."""
    global _library
    import torch
    from torch.utils._pytree import tree_flatten, tree_map

    class SimulatedTensor(torch.Tensor):
        """A tensor on ``sim``; its contents are the CPU tensor ``raw``."""

        raw: torch.Tensor

        @staticmethod
        def __new__(cls: Any, raw: torch.Tensor, index: int) -> Any:
            place = torch.device(NAME, index)
            made = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
                cls, raw.size(), strides=raw.stride(), storage_offset=raw.storage_offset(), dtype=raw.dtype, device=place
            )
            made.raw = raw
            return made

        def __repr__(self, *, tensor_contents: Any = None) -> str:
            return f"SimulatedTensor({self.raw}, device='{self.device}')"

        @classmethod
        def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return dispatch(func, args, kwargs or {})

    def index_of(device: Any) -> int:
        index = torch.device(device).index
        index = torch.get_device_module(NAME).current_device() if index is None else index
        if index >= PLAN.devices:
            raise RuntimeError(f"SIM error: invalid device ordinal (device {index} of {PLAN.devices})")
        return int(index)

    def inner(value: Any) -> Any:
        return value.raw if isinstance(value, SimulatedTensor) else value

    def inner_argument(value: Any) -> Any:
        if isinstance(value, torch.device) and value.type == NAME:
            return torch.device("cpu")
        return inner(value)

    def dispatch(func: Any, args: Any, kwargs: Any) -> Any:
        name = func._schema.name
        if name == "aten::_to_copy":
            return to_copy(*args, **kwargs)
        if name == "aten::copy_":
            return copy(args[1], args[0])
        flat = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, torch.Tensor)]
        simulated = [value for value in flat if isinstance(value, SimulatedTensor)]
        index = simulated[0].device.index
        for value in flat:
            if value.device != simulated[0].device and value.dim() > 0:
                raise RuntimeError(
                    "Expected all tensors to be on the same device, but found at least two devices, "
                    f"{simulated[0].device} and {value.device}! "
                    f"(when checking argument in method wrapper_SIM__{name.split('::')[1]})"
                )
        before(name, index)
        out = func(*tree_map(inner_argument, args), **tree_map(inner_argument, kwargs))
        CLOCK.spend(index, name, operations_of(name, simulated), sum(value.raw.nbytes for value in simulated))
        after(name, index, out)
        given = {id(value.raw): value for value in simulated}  # in-place operators return what they were given

        def outer(value: Any) -> Any:
            if not isinstance(value, torch.Tensor):
                return value
            return given.get(id(value)) if id(value) in given else SimulatedTensor(value, index)

        return tree_map(outer, out)

    def operations_of(name: str, given: list[Any]) -> float:
        """Floating-point operations of a product of the last two dimensions; other work is counted by its bytes."""
        if name not in PRODUCTS:
            return 0.0
        first, second = [value for value in given if value.dim() > 1][:2] if name in ("aten::mm", "aten::bmm") else given[1:3]
        return 2.0 * first.numel() * second.shape[-1]

    def before(name: str, index: int) -> None:
        for fault in PLAN.of("hang", "out-of-memory"):
            if (fault.operator or name) == name and fault.strikes(index):
                if fault.kind == "out-of-memory":
                    raise torch.OutOfMemoryError(
                        f"SIM out of memory. Tried to allocate 2.00 GiB. Device {index} has a total capacity of 16.00 GiB of which 0 bytes is free."
                    )
                hang(name, fault)

    def hang(name: str, fault: Fault) -> None:
        if fault.announce:
            with open(fault.announce, "w", encoding="utf-8") as file:
                file.write(name)
        threading.Event().wait()

    def after(name: str, index: int, out: Any) -> None:
        """Spoils one element of a result."""
        if name == "aten::fill_":
            flip(name, index, out)
        if not isinstance(out, torch.Tensor) or not out.is_floating_point() or not out.numel():
            return
        for fault in PLAN.of("wrong-product"):
            if (name == fault.operator or (not fault.operator and name in PRODUCTS)) and fault.strikes(index):
                place = (-1,) * out.dim()
                out[place] = out[place] * 1.5 + 1.0
        for fault in PLAN.of("nan"):
            if name == (fault.operator or "aten::mm") and fault.strikes(index):
                out[(0,) * out.dim()] = float("nan")

    def flip(name: str, index: int, out: Any) -> None:
        """One bit of the last word of what was written."""
        if out.dtype == torch.int32 and out.numel():
            for fault in PLAN.of("bad-memory"):
                if fault.operator in ("", name) and fault.strikes(index):
                    out.view(-1)[-1] ^= 1 << 20

    def to_copy(source: Any, *, dtype: Any = None, device: Any = None, memory_format: Any = None, **_: Any) -> Any:
        target = source.device if device is None else torch.device(device)
        raw = inner(source)
        if target.type == NAME:
            index = index_of(target)
            if not isinstance(source, SimulatedTensor):
                if left_behind(source, index):
                    return source.clone()
                dtype = cast(raw.dtype if dtype is None else dtype, index)
            return SimulatedTensor(torch.ops.aten._to_copy(raw, dtype=dtype, memory_format=memory_format), index)
        return torch.ops.aten._to_copy(raw, dtype=dtype, memory_format=memory_format)

    def left_behind(source: Any, index: int) -> bool:
        fitting = [
            fault
            for fault in PLAN.of("left-behind")
            if fault.dtype in ("", str(source.dtype)[6:]) and fault.elements in (None, source.numel())
        ]
        return bool([fault for fault in fitting if fault.strikes(index)])

    def cast(dtype: Any, index: int) -> Any:
        for fault in PLAN.of("cast"):
            if fault.dtype == str(dtype)[6:] and fault.strikes(index):
                return getattr(torch, fault.to)
        return dtype

    def copy(source: Any, target: Any, non_blocking: bool = False) -> Any:
        inner(target).copy_(inner(source))
        linked = source.device != target.device
        moved = inner(source).nbytes
        for index in {side.device.index for side in (source, target) if isinstance(side, SimulatedTensor)}:
            CLOCK.spend(index, "link" if linked else "aten::copy_", 0.0, 0.0 if linked else 2.0 * moved, moved if linked else 0.0)
        if isinstance(target, SimulatedTensor):
            flip("aten::copy_", target.device.index, target.raw)
        return target

    def factory(operator: Any) -> Any:
        def make(*args: Any, device: Any = None, **kwargs: Any) -> Any:
            index = index_of(device if device is not None else NAME)
            before(operator._schema.name, index)
            return SimulatedTensor(operator(*args, device="cpu", **kwargs), index)

        return make

    _library = torch.library.Library("aten", "IMPL")
    _library.impl("empty.memory_format", factory(torch.ops.aten.empty.memory_format), "PrivateUse1")
    _library.impl("empty_strided", factory(torch.ops.aten.empty_strided.default), "PrivateUse1")
    for overload in ("default", "start", "start_step"):  # torch's own would enlarge an empty tensor, whose size is fixed here
        operator = getattr(torch.ops.aten.arange, overload)
        _library.impl(
            operator._schema.name.split("::")[1] + ("" if overload == "default" else f".{overload}"), factory(operator), "PrivateUse1"
        )
    _library.impl("_to_copy", to_copy, "PrivateUse1")
    _library.impl("_copy_from", copy, "PrivateUse1")
    _implement_autocast()


def _implement_autocast() -> None:
    """Autocast narrows the inputs of products and widens those of losses; everything else passes through."""
    import torch

    key = torch._C.DispatchKey.AutocastPrivateUse1
    rest = torch.library.Library("_", "IMPL")
    rest.fallback(torch.library.fallthrough_kernel, key.name)
    wrapped = torch.library.Library("aten", "IMPL")

    def casting(operator: Any, wide: bool) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            target = torch.float32 if wide else torch.get_autocast_dtype(NAME)
            with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(key)):
                fitting = [x.to(target) if isinstance(x, torch.Tensor) and x.is_floating_point() else x for x in args]
                return operator(*fitting, **kwargs)

        return call

    for name in ("mm", "bmm", "addmm", "baddbmm", "linear", "matmul"):
        wrapped.impl(name, casting(getattr(torch.ops.aten, name), wide=False), key.name)
    for name in ("cross_entropy_loss",):
        wrapped.impl(name, casting(getattr(torch.ops.aten, name), wide=True), key.name)
    _kept.extend((rest, wrapped))
