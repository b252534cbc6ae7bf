"""Facts survive the way to JSON and back."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from torchdoctor.codec import from_json, to_json
from torchdoctor.facts import Backend, Deviation, Device, Devices, Failure, Host, LlamaRun, Part

texts = st.text(max_size=20)
maybe = st.none() | texts
failures = st.builds(Failure, texts, texts, texts)
devices = st.builds(
    Devices,
    st.lists(st.builds(Backend, texts, st.booleans(), st.booleans(), st.integers(0, 16), texts), max_size=3).map(tuple),
    st.lists(st.builds(Device, texts, texts, maybe, st.none() | st.integers(0, 2**40), maybe, maybe, st.none() | failures), max_size=3).map(
        tuple
    ),
    st.dictionaries(texts, texts, max_size=3),
)


@given(devices)
def test_devices_come_back_equal(value: Devices) -> None:
    assert from_json(Devices, json.loads(json.dumps(to_json(value), allow_nan=False))) == value


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_floats_that_json_does_not_know_come_back(number: float) -> None:
    value = Deviation(number, 0.0, 1, 2)
    back = from_json(Deviation, json.loads(json.dumps(to_json(value), allow_nan=False)))
    assert back.largest == number or (math.isnan(number) and math.isnan(back.largest))


def test_nested_tuples_and_optionals() -> None:
    run = LlamaRun("cpu", "float32", stages=(Part("a", Deviation(0.1, 0.1, 0, 4)), Part("b", None, Failure("E", "m"))), greedy=((1, 2), ()))
    assert from_json(LlamaRun, to_json(run)) == run


def test_fields_of_a_newer_version_are_passed_over() -> None:
    data = {**to_json(Host("linux", "r", "v", "x86_64", "n")), "invented_later": 1}
    assert from_json(Host, data).hostname == "n"
