"""What the built-in checks say of themselves, read from their files without importing any of them.

Importing all checks also loads every fact type, which is most of the time that ``torchdoctor list`` takes. A test holds these
descriptions against the imported checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_FILE = re.compile(r'\A"""(?P<doc>.*?)"""', re.DOTALL)
_CHECK = re.compile(r'^@check\("(?P<code>\w+)", group="(?P<group>\w+)"[^\n]*\)\ndef (?P<name>\w+)\(', re.MULTILINE)


@dataclass(frozen=True)
class Description:
    """A check as it is listed and explained."""

    name: str
    code: str
    group: str
    doc: str
    file: str

    @property
    def title(self) -> str:
        """The first line of the docstring."""
        return self.doc.strip().splitlines()[0]


def descriptions() -> list[Description]:
    """All built-in checks, by code."""
    return sorted(_read(), key=lambda found: found.code)


def _read() -> Iterator[Description]:
    spec = find_spec("torchdoctor.checks")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in Path(folder).glob("[!_]*.py"):
            text = path.read_text(encoding="utf-8")
            head = _FILE.match(text)
            for found in _CHECK.finditer(text):
                doc = head["doc"] if head else ""
                yield Description(found["name"].replace("_", "-"), found["code"], found["group"], doc, str(path))
