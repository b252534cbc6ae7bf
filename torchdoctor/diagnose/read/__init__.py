"""Bytes in, ``Log`` out: decoding, cleaning, separating ranks, finding the failures."""

from torchdoctor.diagnose.read.assemble import read, read_text

__all__ = ["read", "read_text"]
