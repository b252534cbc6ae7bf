"""Backends that torch loads by itself at import (torch 2.5 and newer)."""

from torchdoctor.api import FAIR, STRONG, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="backend-autoload-failed",
        title="A backend plug-in that torch loads by itself at import failed",
        why="Since 2.5 torch loads every installed package with an entry point in the group torch.backends while it is imported. One that "
        "raises, because its driver is missing or it was made for another torch, makes the whole import of torch fail.",
        signs=(
            ends_in("torch/__init__.py", "_import_device_backends"),
            Sign(r"entrypoint = backend_extension\.load\(\)", FAIR),
            Sign(r"module '\w{1,40}' has no attribute '_autoload'", FAIR),
            Sign(r"Failed to load the backend extension: (?P<backend>[\w.-]+)", STRONG),
            Sign(r"You can disable extension auto-loading with TORCH_DEVICE_BACKEND_AUTOLOAD=0", FAIR),
        ),
        fixes=(
            Fix(
                "Switch the autoloading of backends off with TORCH_DEVICE_BACKEND_AUTOLOAD=0 and see whether the rest works.",
                ("export TORCH_DEVICE_BACKEND_AUTOLOAD=0",),
            ),
            Fix(
                "Install {backend|the backend} in a version made for the installed torch, with its driver, or uninstall it.", risk="restart"
            ),
        ),
        url="https://docs.pytorch.org/tutorials/prototype/python_extension_autoload.html",
        examples=(
            '  File "/srv/v/lib/python3.12/site-packages/torch/__init__.py", line 2837, in _import_device_backends\n    raise RuntimeError(',
            "AttributeError: module 'torch_xyz' has no attribute '_autoload'",
            'File "/srv/env/lib/python3.12/site-packages/torch/__init__.py", line 2716, in _import_device_backends\n'
            "    raise RuntimeError(\n"
            "RuntimeError: Failed to load the backend extension: torch_xyz. You can disable extension auto-loading with "
            "TORCH_DEVICE_BACKEND_AUTOLOAD=0.",
        ),
        counterexamples=("INFO loading the backend extension torch_xyz took 0.1 s",),
    ),
)
