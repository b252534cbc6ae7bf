"""Bytes in, ``Log`` out: decoding, cleaning, separating ranks, finding the failures."""

from torchdoctor.diagnose.read.assemble import read_text
from torchdoctor.diagnose.read.sources import read

__all__ = ["read", "read_text"]
