"""``[tool.torchdoctor]`` of the nearest pyproject.toml, and the TORCHDOCTOR_* variables over it.

Strength: flags, then environment, then file. ``ignore`` and ``require`` of the three add up, ``expect`` is
replaced key by key, everything else is replaced as a whole.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torchdoctor import expect
from torchdoctor.engine.select import Ignore, Selectable, parse_ignore, require_known
from torchdoctor.model import Status
from torchdoctor.suggest import unknown

KEYS = ("select", "ignore", "fail-on", "deadline", "deadlines", "expect", "checks-dir", "require", "thresholds")
FAIL_ON = {"warn": Status.WARN, "fail": Status.FAIL}
PREFIX = "TORCHDOCTOR_"
_VARIABLES = {PREFIX + key.upper().replace("-", "_"): key for key in KEYS if key not in ("deadlines", "thresholds")}


class ConfigError(ValueError):
    """Something in the configuration that means nothing; the text names file (or variable), key and what is accepted."""


@dataclass(frozen=True)
class Config:
    """What was configured. ``deadline`` and ``deadlines`` are in seconds, the latter by name of a check or probe."""

    file: Path | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[Ignore, ...] = ()
    fail_on: Status = Status.FAIL
    deadline: float | None = None
    deadlines: Mapping[str, float] = field(default_factory=dict)
    expect: tuple[expect.Expectation, ...] = ()
    checks_dir: Path | None = None
    require: tuple[str, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    """For each key that was set the place it comes from, for messages."""

    def check_names(self, checks: Sequence[Selectable], probes: Iterable[str] = ()) -> None:
        """Raise ConfigError for a selector, ignore, requirement or deadline that names nothing."""
        names = {check.name for check in checks} | set(probes)
        try:
            require_known(self.select, checks, self.where.get("select", "select"))
            require_known(self.require, checks, self.where.get("require", "require"))
            for ignore in self.ignore:
                require_known([ignore.selector], checks, ignore.where)
            for name in self.deadlines:
                if name not in names:
                    raise unknown("check or probe", name, names, self.where.get("deadlines", "deadlines"))
        except ConfigError:
            raise
        except ValueError as error:
            raise ConfigError(str(error)) from None


def find_file(start: Path) -> Path | None:
    """The nearest pyproject.toml from ``start`` upwards that has a table for torchdoctor."""
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        try:
            if file.is_file() and b"torchdoctor" in file.read_bytes() and _table(file) is not None:
                return file
        except OSError:
            continue
    return None


def _table(file: Path) -> dict[str, Any] | None:
    """The table ``[tool.torchdoctor]``, or None. Raises ConfigError for a file that is not TOML."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]
    try:
        tool = tomllib.loads(file.read_bytes().decode("utf-8-sig")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from None
    if not isinstance(tool, dict) or "torchdoctor" not in tool:
        return None
    table = tool["torchdoctor"]
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: tool.torchdoctor is not a table")
    return table


def _texts(value: object, where: str) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) and item.strip() for item in value):
        raise ConfigError(f"{where}: expected a list of strings, found {value!r}")
    return tuple(item.strip() for item in value)


def _seconds(value: object, where: str) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError
        seconds = float(value)
    except ValueError:
        raise ConfigError(f"{where}: expected a number of seconds, found {value!r}") from None
    if not math.isfinite(seconds) or seconds <= 0:
        raise ConfigError(f"{where}: a deadline is a positive number of seconds, found {value!r}")
    return seconds


def _until(value: object, where: str) -> datetime.date | None:
    if isinstance(value, str):
        try:
            value = datetime.date.fromisoformat(value)
        except ValueError:
            raise ConfigError(f"{where}: until: expected a date such as 2027-01-31, found {value!r}") from None
    if isinstance(value, datetime.datetime):
        return value.date()
    if value is None or isinstance(value, datetime.date):
        return value
    raise ConfigError(f"{where}: until: expected a date such as 2027-01-31, found {value!r}")


def _ignore(name: str, value: object, where: str) -> Ignore:
    """One row of the ignore table: a reason, or a table of reason and until."""
    place = f"{where}: {name!r}"
    row: Mapping[str, object] = {"reason": value} if isinstance(value, str) else value if isinstance(value, dict) else {}
    for key in row:
        if key not in ("reason", "until"):
            raise unknown("key", key, ("reason", "until"), place)
    reason = row.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise ConfigError(f"{place}: an ignore needs a reason: a text, or {{ reason = ..., until = 2027-01-31 }}")
    return parse_ignore(name, reason.strip(), _until(row.get("until"), place), where)


def _ignores(value: object, where: str) -> tuple[Ignore, ...]:
    if isinstance(value, dict):
        return tuple(_ignore(name, row, where) for name, row in value.items())
    return tuple(parse_ignore(text, where=where) for text in _texts(value, where))


def _fail_on(value: object, where: str) -> Status:
    if not isinstance(value, str) or value.lower() not in FAIL_ON:
        raise unknown("value", str(value), FAIL_ON, where)
    return FAIL_ON[value.lower()]


def _deadlines(value: object, where: str) -> dict[str, float]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: expected a table of names and seconds, found {value!r}")
    return {name: _seconds(seconds, f"{where}: {name}") for name, seconds in value.items()}


def _thresholds(value: object, where: str) -> dict[str, float]:
    """Limits of GPU health by name, or "name@model"; the names are those of the table."""
    from torchdoctor.gpu_tables import thresholds

    if not isinstance(value, dict):
        raise ConfigError(f"{where}: expected a table of names and numbers, found {value!r}")
    names = {name.partition("@")[0] for name in thresholds()}
    for name, limit in value.items():
        if name.partition("@")[0] not in names:
            raise unknown("threshold", name, names, where)
        if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not math.isfinite(limit) or limit < 0:
            raise ConfigError(f"{where}: {name}: expected a number that is not negative, found {limit!r}")
    return {name: float(limit) for name, limit in value.items()}


def _expectations(value: object, where: str) -> tuple[expect.Expectation, ...]:
    return expect.parse_table(value, where) if isinstance(value, dict) else expect.parse(_texts(value, where), where)


def _folder(value: object, base: Path, where: str) -> Path:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where}: expected a folder, found {value!r}")
    folder = base / Path(value).expanduser() if value.startswith("~") else base / value
    if not folder.is_dir():
        raise ConfigError(f"{where}: {value!r} is not a folder")
    return folder


def _one(key: str, value: object, where: str, base: Path) -> Any:
    """The value of one key, checked. Raises ConfigError."""
    try:
        if key in ("select", "require"):
            return _texts(value, where)
        if key == "checks-dir":
            return _folder(value, base, where)
        readers = {
            "ignore": _ignores,
            "fail-on": _fail_on,
            "deadline": _seconds,
            "deadlines": _deadlines,
            "expect": _expectations,
            "thresholds": _thresholds,
        }
        return readers[key](value, where)
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(str(error)) from None


def from_table(table: Mapping[str, object], file: Path) -> Config:
    """The configuration of a ``[tool.torchdoctor]`` table. Raises ConfigError with file and key."""
    values: dict[str, Any] = {}
    where: dict[str, str] = {}
    for key, value in table.items():
        if key not in KEYS:
            raise ConfigError(str(unknown("key", key, KEYS, f"{file}: [tool.torchdoctor]")))
        where[key] = f"{file}: {key}"
        values[key.replace("-", "_")] = _one(key, value, where[key], file.parent)
    return Config(file=file, where=where, **values)


def from_environment(environ: Mapping[str, str], base: Path) -> Config:
    """The configuration of the TORCHDOCTOR_* variables; empty ones count as not set. Raises ConfigError."""
    values: dict[str, Any] = {}
    where: dict[str, str] = {}
    for name, key in _VARIABLES.items():
        text = environ.get(name, "").strip()
        if not text:
            continue
        value: object = text
        if key in ("select", "ignore", "require"):
            value = [part for part in text.replace(",", " ").split() if part]
        where[key] = name
        values[key.replace("-", "_")] = _one(key, value, name, base)
    return Config(where=where, **values)


def merge(weak: Config, strong: Config) -> Config:
    """What is set in ``strong`` over ``weak``; ignores and requirements add up, expectations are replaced key by key."""
    changes: dict[str, Any] = {
        "file": strong.file or weak.file,
        "where": {**weak.where, **strong.where},
        "ignore": (*weak.ignore, *strong.ignore),
        "require": (*weak.require, *strong.require),
        "expect": expect.merge(weak.expect, strong.expect),
        "deadlines": {**weak.deadlines, **strong.deadlines},
        "thresholds": {**weak.thresholds, **strong.thresholds},
    }
    for key in ("select", "fail-on", "deadline", "checks-dir"):
        if key in strong.where:
            name = key.replace("-", "_")
            changes[name] = getattr(strong, name)
    return dataclasses.replace(weak, **changes)


def from_flags(
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    fail_on: str | None = None,
    deadline: float | None = None,
    expectations: Sequence[str] = (),
    checks_dir: str | None = None,
    require: Sequence[str] = (),
) -> Config:
    """The configuration of the command line's flags; what is empty or None was not given. Raises ConfigError."""
    given: dict[str, object] = {
        "select": list(select),
        "ignore": list(ignore),
        "fail-on": fail_on,
        "deadline": deadline,
        "expect": list(expectations),
        "checks-dir": checks_dir,
        "require": list(require),
    }
    where = {key: f"--{key}" for key, value in given.items() if value not in (None, [])}
    values = {key.replace("-", "_"): _one(key, given[key], where[key], Path()) for key in where}
    return Config(where=where, **values)


def load(start: Path | None = None, environ: Mapping[str, str] | None = None, flags: Config | None = None) -> Config:
    """The whole configuration, seen from the folder ``start`` (default: the working directory). Raises ConfigError."""
    start = start or Path.cwd()
    file = find_file(start)
    table = _table(file) if file else None
    config = from_table(table, file) if file and table is not None else Config()
    config = merge(config, from_environment(os.environ if environ is None else environ, start))
    return merge(config, flags) if flags else config
