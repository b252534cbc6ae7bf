"""Names that other distributions rely on."""

ENTRY_POINTS = "torchdoctor.checks"
"""The entry-point group through which other distributions add modules of checks and probes."""
