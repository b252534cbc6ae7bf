"""Write the table of the literals that the causes' signs hold, by which a diagnosis knows what to import.

usage: python scripts/make_signs_table.py [--check]    (--check: exit 1 where the table is not what it should be)
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from torchdoctor import causes
from torchdoctor.diagnose.literals import literal_of

TABLE = Path(causes.__file__).parents[1] / "data" / causes.TABLE


def row(module: str) -> str:
    """A module's line: its name, its size in bytes, its slugs, its literals."""
    declared = importlib.import_module(f"torchdoctor.causes.{module}").CAUSES
    literals = sorted({literal_of(sign.pattern) for cause in declared for sign in cause.signs})
    return "\t".join([module, str(causes.size_of(module)), " ".join(cause.slug for cause in declared), *literals])


def text() -> str:
    """The whole table."""
    return "".join(f"{row(module)}\n" for module in causes.modules())


def main() -> int:
    """Write the table, or compare it."""
    if "--check" in sys.argv[1:]:
        return int(not TABLE.is_file() or TABLE.read_text(encoding="utf-8") != text())
    TABLE.write_text(text(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
