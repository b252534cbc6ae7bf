"""The English words of a line in another language, from a table of the terms that failures are told in."""

from __future__ import annotations

import re
from functools import cache
from typing import Optional

from torchdoctor.diagnose.wording import MAX_LENGTH, TYPE, Message, english
from torchdoctor.gpu_tables import rows

LATIN = ("de", "es", "fr", "pt")
OTHER_SCRIPTS = ("zh", "hi", "ja", "ru")
MIN_LETTERS = 3
"""Letters of another script from which on a line is in another language."""
MIN_TERMS = 2
"""Terms of a language in Latin letters that a line must hold."""
_APART = re.compile(r"[^\w'-]+")
_LETTERS = re.compile(r"[\u0400-\u04ff\u0900-\u097f\u3040-\u30ff\u3400-\u9fff]")
_NAMES = frozenset(
    "cuda cudnn cublas nccl gloo mps rocm gpu cpu torch pytorch tensor float half double long int bfloat dtype nvidia smi amd python dll omp "
    "libiomp dataloader autograd backward inplace state dict triton nvcc numpy pip".split()
)
"""Names in plain letters that no language translates."""


def foreign(text: str) -> Optional[Message]:
    """A line in another language; None for one that is in English, or in words that the glossary does not have."""
    text = text[:MAX_LENGTH]
    said = TYPE.sub("", text).lower()
    if len(_LETTERS.findall(said)) >= MIN_LETTERS:
        terms = set().union(*(_terms(language, said) for language in OTHER_SCRIPTS))
        line = english(_LETTERS.sub(" ", text))
        names = line.names
    else:
        terms = max((_terms(language, said) for language in LATIN), key=len)
        line = english(text)
        names = frozenset(word for word in line.names if word in _NAMES or not word.isalpha())
        if len(terms) < MIN_TERMS:
            return None
    return Message(line.type, names, names | english(" ".join(terms)).words) if terms else None


def _terms(language: str, text: str) -> set[str]:
    """The English words for what a line says in this language; words in Latin letters may go on, but begin as the term does."""
    text = " " + _APART.sub(" ", text) if language in LATIN else text
    return {words for words, terms in _table()[language] if any(term in text for term in terms)}


@cache
def _table() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """For each language the English words and what they are there; a term that is an English word too is left out."""
    table = list(rows("glossary"))
    own = {word for row in table for word in row["english"].split()}
    start = {language: " " * (language in LATIN) for language in (*LATIN, *OTHER_SCRIPTS)}
    return {
        language: [(row["english"], tuple(begin + term for term in row[language].split("|") if term and term not in own)) for row in table]
        for language, begin in start.items()
    }
