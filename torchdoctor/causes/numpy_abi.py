"""NumPy and torch: missing, or of another major version than the compiled code expects."""

from collections.abc import Mapping
from typing import Any

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_VERSIONS = r"module compiled against (?:API|ABI) version (?P<built>0x[0-9a-f]+) but this version of numpy is (?P<have>0x[0-9a-f]+)"


def _too_old(groups: Mapping[str, str], _: Any) -> bool:
    """Whether the NumPy that is there is older than the one that the module was built with."""
    return int(groups["have"], 16) < int(groups["built"], 16)


def _not_too_old(groups: Mapping[str, str], situation: Any) -> bool:
    return not _too_old(groups, situation)


CAUSES = (
    Cause(
        slug="numpy2-abi",
        title="A module compiled with NumPy 1.x is used with NumPy 2",
        why="NumPy 2 changed its binary interface. Modules that were compiled against NumPy 1 (torch before 2.3, older scipy, opencv, "
        "scikit-learn and others) cannot use it, so torch works without its NumPy bridge or the import fails.",
        signs=(
            Sign(
                r"cannot import name '(?:NaN|NAN|Inf|Infinity|PINF|NINF|float_|complex_|product|cumproduct|sometrue|alltrue|in1d|row_stack|trapz|VisibleDeprecationWarning|RankWarning|ComplexWarning|find_common_type|asfarray|cast|msort|unicode_|string_|issctype|obj2sctype|sctypes)' from 'numpy"
            ),
            Sign(r"downgrade to 'numpy<2' or try to upgrade the affected module"),
            Sign(r"modules must be compiled with NumPy 2\.0"),
            Sign(r"need to rebuild instead e\.g\. with 'pybind11>=2\.12'"),
            ends_in("numpy/__init__.py", "__getattr__", code=r"__expired_attributes__"),
            Sign(r"_ARRAY_API not found"),
            Sign(r"A module that was compiled using NumPy 1\.x cannot be run"),
            Sign(r"numpy\.core\.multiarray failed to import", FAIR, unless=(r"but this version of numpy is",)),
            Sign(r"numpy\.dtype size changed"),
            Sign(
                r"`?np\.(?P<name>float_|complex_|unicode_|string_|Inf|NaN|cast|product|cumproduct|sometrue|obj2sctype)`? was removed in "
                r"the NumPy 2\.0 release"
            ),
            Sign(_VERSIONS, test=_not_too_old),
            Sign(r"was compiled against NumPy C-API version 0x\w+", FAIR),
            Sign(r"No module named 'numpy\._core"),
            Sign(r"numpy\.ufunc size changed", FAIR),
            Sign(r"numpy\.ndarray size changed, may indicate binary incompatibility", FAIR),
            Sign(r"numpy\.(?:_core|core)\.\w+ failed to import", FAIR, unless=(r"but this version of numpy is",)),
            Sign(r"`?np\.(?P<name>\w+)`? was removed in the NumPy 2\.0 release"),
            Sign(
                r"module 'numpy' has no attribute '(?P<name>float_|complex_|product|cumproduct|sometrue|alltrue|in1d|row_stack|trapz|Inf|Infinity|NaN|PINF|NINF|bool8|int0|uint0|object0|str0|mat|msort|round_|unicode_|string_|obj2sctype|issubclass_|sctypes|asfarray|infty)'",
                FAIR,
            ),
            Sign(r"Unable to avoid copy while creating an array as requested", FAIR),
            Sign(r"cannot import name 'ComplexWarning' from 'numpy", FAIR),
        ),
        explains=("numpy-missing",),
        fixes=(
            Fix("Install NumPy 1.26 (downgrade to numpy<2) in this environment.", ('python -m pip install "numpy<2"',)),
            Fix(
                "Or upgrade the modules that were built for NumPy 1: torch>=2.3, and the one that the traceback names.",
                ("python -m pip install -U torch torchvision",),
            ),
            Fix(
                "If the installed NumPy is older than the one the module was compiled for (size changed, expected more from C header than it got from PyObject), upgrade NumPy, or reinstall the module so that it fits.",
                ("python -m pip install -U numpy", "python -m pip install --force-reinstall --no-cache-dir PACKAGE"),
            ),
        ),
        decide='python -c "import numpy; print(numpy.__version__)"',
        examples=(
            "ImportError: cannot import name 'NaN' from 'numpy' (/opt/v/lib/python3.11/site-packages/numpy/__init__.py)",
            "If you are a user of the module, the easiest solution will be to\ndowngrade to 'numpy<2' or try to upgrade the affected module.\nWe expect that some modules will need time to support NumPy 2.",
            "versions of NumPy, modules must be compiled with NumPy 2.0.\nSome module may need to rebuild instead e.g. with 'pybind11>=2.12'.",
            "A module that was compiled using NumPy 1.x cannot be run in\nNumPy 2.1.3 as it may crash. To support both 1.x and "
            "2.x\nversions of NumPy, modules must be compiled with NumPy 2.0.",
            "UserWarning: Failed to initialize NumPy: _ARRAY_API not found (Triggered internally at "
            "../torch/csrc/utils/tensor_numpy.cpp:84.)",
            "ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88 from PyObject",
            "ValueError: numpy.ndarray size changed, may indicate binary incompatibility. Expected 96 from C header, got 88 from PyObject",
            "ImportError: numpy._core.multiarray failed to import (auto-generated because you didn't call 'numpy.import_array()' after cimporting numpy)",
            "AttributeError: `np.mat` was removed in the NumPy 2.0 release. Use `np.asmatrix` instead.",
            "ValueError: Unable to avoid copy while creating an array as requested.\nIf using `np.array(obj, copy=False)` replace it with `np.asarray(obj)` to allow a copy when needed",
        ),
        counterexamples=(
            "numpy 2.1.3 imported, 40 tests passed",
            "RuntimeError: module compiled against API version 0x10 but this version of numpy is 0xf",
        ),
    ),
    Cause(
        slug="numpy-missing",
        title="torch cannot use NumPy: it is not installed, or its import failed",
        why="torch needs NumPy only for .numpy(), from_numpy and the data loaders' conversions, and looks for it when it is imported. It "
        "found none that works in the running interpreter.",
        signs=(
            Sign(r"Could not infer dtype of numpy\.(?:float|int|uint|bool)\w*"),
            Sign(r"expected np\.ndarray \(got numpy\.ndarray\)"),
            Sign(r"cannot import name '?_?multiarray(?:_umath)?'?(?!\w)", FAIR),
            ends_in("numpy/core/__init__.py", "<module>", code=r"raise ImportError\("),
            ends_in("numpy/_core/__init__.py", "<module>", code=r"raise ImportError\("),
            Sign(_VERSIONS, test=_too_old),
            Sign(r"Numpy is not available"),
            Sign(r"Failed to initialize NumPy: (?!_ARRAY)(?P<reason>[^(]{0,80})"),
            Sign(r"PyTorch was compiled without NumPy support"),
            Sign(r"No module named '?numpy'?(?![\w.'])"),
            Sign(r"No module named 'numpy'"),
            Sign(r"Importing the numpy C-extensions failed", FAIR),
            Sign(r"you should not try to import numpy from its source directory", FAIR),
            Sign(r"Importing the multiarray numpy extension module failed", FAIR),
            Sign(r"Unable to import required dependenc(?:y|ies):? ?numpy", FAIR),
            Sign(r"No module named '?numpy\.core\._multiarray_umath"),
        ),
        unless=(r"subprocess-exited-with-error", r"get_requires_for_build", r"pip-build-env"),
        refines=("module-not-installed",),
        fixes=(
            Fix(
                "Upgrade NumPy: the module was built for its C interface {built} and this one has {have}, which is older (0x10 came with "
                "NumPy 1.23, 0x12 with 2.0; an interface of 0x12 or more needs NumPy 2).",
                ('python -m pip install -U "numpy>=1.23,<2"',),
            ),
            Fix(
                "Install a compatible NumPy in the interpreter that runs; for torch older than 2.3 it has to be below 2.",
                ('python -m pip install "numpy<2"', "python -m pip install numpy"),
            ),
            Fix(
                "If NumPy is there but its import fails, reinstall it (its compiled part does not fit this Python) and restart the "
                "process.",
                ("python -m pip install --force-reinstall --no-cache-dir numpy",),
            ),
        ),
        decide='python -c "import numpy, sys; print(numpy.__version__, sys.version)"',
        examples=(
            "RuntimeError: Could not infer dtype of numpy.float32",
            "TypeError: expected np.ndarray (got numpy.ndarray)",
            "  File \"/opt/v/lib/python3.6/site-packages/numpy/core/__init__.py\", line 16, in <module>\n    from . import multiarray\nImportError: cannot import name 'multiarray'",
            "RuntimeError: module compiled against API version 0xb but this version of numpy is 0xa\n    from torch._C import *\nImportError: numpy.core.multiarray failed to import",
            "RuntimeError: Numpy is not available",
            "UserWarning: Failed to initialize NumPy: No module named 'numpy' (Triggered internally)",
            "UserWarning: Failed to initialize NumPy: module compiled against API version 0x10 but this version of numpy is 0xe (Triggered internally)\nRuntimeError: Numpy is not available",
            "ImportError: Unable to import required dependencies:\nnumpy: No module named 'numpy.core._multiarray_umath'",
        ),
        counterexamples=(
            "RuntimeError: Could not infer dtype of dict",
            "numpy is not needed here, skipping",
        ),
    ),
)
