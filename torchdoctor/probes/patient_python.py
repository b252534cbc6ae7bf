"""The patient's interpreter and its environment, read without importing torch."""

from __future__ import annotations

import os
import platform
import struct
import sys
import sysconfig
from collections.abc import Mapping

from torchdoctor.declare import probe
from torchdoctor.facts import PythonEnv


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def kind_of_environment(prefix: str, base_prefix: str, exists: object = os.path.exists) -> str:
    """venv, conda or system. A virtual environment made from conda's Python is a venv: pip installs into it."""
    if prefix != base_prefix:
        return "venv"
    return "conda" if exists(os.path.join(prefix, "conda-meta")) else "system"  # type: ignore[operator]


def installer_of(kind: str, prefix: str, environ: Mapping[str, str]) -> str:
    """What manages this environment: uv marks its environments, poetry keeps them in a folder of its own or sets a variable."""
    config = _read(os.path.join(prefix, "pyvenv.cfg"))
    if any(line.split("=")[0].strip() == "uv" for line in config.splitlines()):
        return "uv"
    if "pypoetry" in prefix or environ.get("POETRY_ACTIVE"):
        return "poetry"
    return "conda" if kind == "conda" else "pip"


@probe(lane="patient", timeout=15)
def python_env() -> PythonEnv:
    """Which Python this is, and what manages its packages."""
    import importlib.util
    import site

    kind = kind_of_environment(sys.prefix, sys.base_prefix)
    purelib, platlib = sysconfig.get_path("purelib"), sysconfig.get_path("platlib")
    marker = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    return PythonEnv(
        executable=sys.executable,
        version=platform.python_version(),
        implementation=platform.python_implementation(),
        bits=struct.calcsize("P") * 8,
        arch=platform.machine(),
        kind=kind,
        prefix=sys.prefix,
        installer=installer_of(kind, sys.prefix, os.environ),
        externally_managed=kind == "system" and os.path.exists(marker),
        free_threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        path=tuple(sys.path),
        site_packages=tuple(dict.fromkeys((purelib, platlib))),
        user_site=bool(site.ENABLE_USER_SITE) and site.getusersitepackages() in sys.path,
        pip=importlib.util.find_spec("pip") is not None,
    )
