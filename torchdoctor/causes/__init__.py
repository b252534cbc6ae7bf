"""The catalogue of causes: one module a family, each with a tuple ``CAUSES``; nothing is listed by hand."""

from __future__ import annotations

import functools
import importlib
import os
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass

from torchdoctor.model import Cause


@dataclass(frozen=True)
class Catalogue:
    """All causes by slug, and the family (module name) of each."""

    causes: Mapping[str, Cause]
    families: Mapping[str, str]


def find(slug: str) -> tuple[Cause, str] | None:
    """A cause and its family, by importing only the module whose text names it; None where there is no such slug."""
    for info in pkgutil.iter_modules(__path__):
        folder = getattr(info.module_finder, "path", "")
        file = os.path.join(folder, f"{info.name}.py")
        try:
            with open(file, encoding="utf-8") as source:
                if f'"{slug}"' not in source.read():
                    continue
        except OSError:  # no source beside the byte code: look inside
            pass
        for cause in importlib.import_module(f"{__name__}.{info.name}").CAUSES:
            if cause.slug == slug:
                return cause, info.name
    return None


@functools.lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Load every module of this package once.

    Raises ValueError where two modules declare the same slug.
    """
    causes: dict[str, Cause] = {}
    families: dict[str, str] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for cause in module.CAUSES:
            if cause.slug in causes:
                raise ValueError(f"{cause.slug} is declared in {families[cause.slug]} and in {info.name}")
            causes[cause.slug] = cause
            families[cause.slug] = info.name
    return Catalogue(causes, families)
