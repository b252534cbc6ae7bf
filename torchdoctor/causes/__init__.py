"""The catalogue of causes: one module a family, each with a tuple ``CAUSES``; nothing is listed by hand.

``data/signs.tsv`` tells which literals the signs of a module hold, so that a diagnosis imports only the modules whose signs may match. It is
written by ``scripts/make_signs_table.py``; a module of another size than it tells has changed since, and is always imported.
"""

from __future__ import annotations

import functools
import importlib
import os
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from torchdoctor.model import Cause

TABLE = "signs.tsv"


@dataclass(frozen=True)
class Catalogue:
    """All causes by slug, and the family (module name) of each."""

    causes: Mapping[str, Cause]
    families: Mapping[str, str]


@dataclass(frozen=True)
class Signs:
    """What the table tells of a module: its size in bytes, its causes, the literals of their signs."""

    size: int
    slugs: tuple[str, ...]
    literals: tuple[str, ...]


def modules() -> list[str]:
    """The names of the modules, sorted."""
    return sorted(info.name for info in pkgutil.iter_modules(__path__))


def size_of(module: str) -> int:
    """The bytes of a module's source; -1 where there is none beside the byte code."""
    try:
        return os.stat(os.path.join(next(iter(__path__)), f"{module}.py")).st_size
    except OSError:
        return -1


@functools.lru_cache(maxsize=1)
def table() -> Mapping[str, Signs]:
    """The table of literals, by module; empty where it is missing."""
    try:
        text = files("torchdoctor.data").joinpath(TABLE).read_text(encoding="utf-8")
    except OSError:
        return {}
    rows = (line.split("\t") for line in text.splitlines())
    return {row[0]: Signs(int(row[1]), tuple(row[2].split()), tuple(row[3:])) for row in rows}


def _of_module(name: str) -> tuple[Cause, ...]:
    causes: tuple[Cause, ...] = importlib.import_module(f"{__name__}.{name}").CAUSES
    return causes


def having(holds: Callable[[str], bool]) -> dict[str, Cause]:
    """The causes of all modules in which a sign may match, by slug; ``holds`` says whether a literal is in the text."""
    held = functools.cache(holds)
    found: dict[str, Cause] = {}
    for name in modules():
        known = table().get(name)
        if known is None or known.size != size_of(name) or any(map(held, known.literals)):
            found.update((cause.slug, cause) for cause in _of_module(name))
    return found


def find(slug: str) -> tuple[Cause, str] | None:
    """A cause and its family; None where there is no such slug."""
    likely = [name for name, known in table().items() if slug in known.slugs]
    for name in dict.fromkeys((*(name for name in likely if name in modules()), *modules())):
        for cause in _of_module(name):
            if cause.slug == slug:
                return cause, name
    return None


@functools.lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Load every module of this package once.

    Raises ValueError where two modules declare the same slug.
    """
    causes: dict[str, Cause] = {}
    families: dict[str, str] = {}
    for name in modules():
        for cause in _of_module(name):
            if cause.slug in causes:
                raise ValueError(f"{cause.slug} is declared in {families[cause.slug]} and in {name}")
            causes[cause.slug] = cause
            families[cause.slug] = name
    return Catalogue(causes, families)
