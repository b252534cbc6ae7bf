"""Failures that no sign knows: the causes that the whole text is most like are possibilities, and no more."""

from __future__ import annotations

import pytest

from tests.diagnosing import answer_to

STRANGE = (
    "converting the Meta-Llama-3 checkpoint to the transformers format, the tokenizer.model is the tiktoken one\n"
    "Traceback (most recent call last):\n"
    '  File "/srv/tools/convert_llama_weights_to_hf.py", line 40, in write_tokenizer\n    tokenizer = tokenizer_class(folder)\n'
    "LlamaGPUConverterError: sentencepiece gave up on the cuda node\n"
)


def test_a_strange_failure_gets_possible_causes_that_say_how_they_were_found() -> None:
    answer = answer_to(STRANGE)
    assert "llama3-tokenizer-not-sentencepiece" in [one.cause for one in answer.diagnoses]
    assert len(answer.diagnoses) <= 3
    for one in answer.diagnoses:
        assert one.confidence == "possible"
        assert "no sign of a known cause" in one.decided
        assert one.evidence[0].text.startswith("LlamaGPUConverterError")


@pytest.mark.parametrize(
    "end",
    [
        "KeyError: 'tokenizer'",
        "ModuleNotFoundError: No module named 'llama_gpu_helpers'",
        "convert.py: error: unrecognized arguments: --cuda-tokenizer",
        "",
    ],
)
def test_the_programs_own_failures_get_none(end: str) -> None:
    text = STRANGE.rsplit("LlamaGPUConverterError", 1)[0].replace("/srv/tools/convert_llama_weights_to_hf.py", "/srv/tools/go.py")
    assert answer_to(text + end + "\n").diagnoses == ()
