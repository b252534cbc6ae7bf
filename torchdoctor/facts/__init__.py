"""The typed facts that probes read and checks judge: frozen, JSON-able, one module an area."""

from torchdoctor.facts.base import Failure
from torchdoctor.facts.install import TorchImport

__all__ = ["Failure", "TorchImport"]
