"""Import torch: what every other probe of the patient's torch waits for."""

from __future__ import annotations

import gc
import time
import traceback
import warnings

from torchdoctor.declare import probe
from torchdoctor.facts import Failure, TorchImport
from torchdoctor.limits import IMPORT_TIMEOUT


@probe(lane="torch", timeout=IMPORT_TIMEOUT)
def torch_import() -> TorchImport:
    """Import torch as the user's program would. An error is a fact; a death or a hang is seen by the supervisor."""
    started = time.perf_counter()
    gc.disable()  # the collector would look through the half-built library again and again: a tenth of the time of the import
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        try:
            import torch
        except BaseException as error:
            gc.enable()
            failure = Failure(type(error).__name__, str(error), traceback.format_exc())
            return TorchImport(None, None, time.perf_counter() - started, failure, ())
    gc.freeze()  # and out of its sight from now on, for this process and its forks
    gc.enable()
    said = tuple(f"{w.category.__name__}: {w.message}" for w in caught)
    file = getattr(torch, "__file__", None)
    if not hasattr(torch, "_C") or not hasattr(torch, "Tensor"):
        message = f"'torch' was imported from {file or list(getattr(torch, '__path__', []))}, which is not PyTorch"
        return TorchImport(None, file, time.perf_counter() - started, Failure("ImportError", message, f"ImportError: {message}"), said)
    return TorchImport(str(torch.__version__), file, time.perf_counter() - started, None, said)
