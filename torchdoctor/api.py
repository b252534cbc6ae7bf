"""All that a check file or a cause file imports."""

from torchdoctor.declare import Each, Findings, check, fail, info, ok, probe, skip, unknown, warn
from torchdoctor.model import Cause, Evidence, Finding, Fix, Sign, Status, Strength

FAIR, STRONG, WEAK = Strength.FAIR, Strength.STRONG, Strength.WEAK

__all__ = [
    "FAIR",
    "STRONG",
    "WEAK",
    "Cause",
    "Each",
    "Evidence",
    "Finding",
    "Findings",
    "Fix",
    "Sign",
    "Status",
    "Strength",
    "check",
    "fail",
    "info",
    "ok",
    "probe",
    "skip",
    "unknown",
    "warn",
]
