"""The answer to a pasted text, without the facts of the machine that the tests run on."""

from __future__ import annotations

from torchdoctor.diagnose.answer import diagnose
from torchdoctor.diagnose.facts import gather
from torchdoctor.diagnose.read import read_text
from torchdoctor.model import Answer


def answer_to(text: str) -> Answer:
    """What ``torchdoctor diagnose --no-local-facts`` makes of the text."""
    log = read_text(text)
    situation, notes = gather(log, None, local=False)
    return diagnose(log, situation, notes)
