"""Tracebacks that end before their message are known by the library function they end in; a message after it decides instead."""

from __future__ import annotations

import pytest

from torchdoctor.diagnose.answer import diagnose
from torchdoctor.diagnose.facts import gather
from torchdoctor.diagnose.read import read_text

SITE = "/srv/env/lib/python3.10/site-packages"
HEAD = 'Traceback (most recent call last):\n  File "/srv/job/run.py", line 31, in <module>\n    main()\n'


def causes(text: str) -> list[str]:
    log = read_text(text)
    situation, notes = gather(log, None, local=False)
    return [found.cause for found in diagnose(log, situation, notes).diagnoses]


CUT = [
    (f'  File "{SITE}/torch/cuda/amp/grad_scaler.py", line 210, in _unscale_grads_', "fp16-params-with-grad-scaler"),
    (f'  File "{SITE}/transformers/modeling_utils.py", line 1897, in to\n    raise ValueError(', "bnb-model-to"),
    (r'  File "D:\env\lib\site-packages\torch\serialization.py", line 131, in _cuda_deserialize', "checkpoint-saved-on-cuda"),
    (
        f"{SITE}/torch/nn/functional.py in _verify_batch_size(size)\n   2408     if size_prods == 1:\n-> 2409         raise",
        "batchnorm-single-sample",
    ),
]


@pytest.mark.parametrize(("frame", "cause"), CUT)
def test_the_last_frame_tells(frame: str, cause: str) -> None:
    assert causes(HEAD + frame) == [cause]


@pytest.mark.parametrize("frame", [frame for frame, _ in CUT])
def test_another_message_after_it_decides(frame: str) -> None:
    assert causes(f"{HEAD}{frame}\nKeyError: 'lr'") == []


@pytest.mark.parametrize("frame", [frame for frame, _ in CUT])
def test_a_frame_further_in_decides(frame: str) -> None:
    assert causes(f'{HEAD}{frame}\n  File "/srv/job/own.py", line 9, in hook\n    return rows[index]') == []
