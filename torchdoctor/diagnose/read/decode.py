"""Bytes of any encoding to text, never an error."""

from __future__ import annotations

import gzip
import zlib

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def unzipped(data: bytes, limit: int = 64 << 20) -> bytes:
    """The content of gzip data, of at most ``limit`` bytes; other data, and data that does not unpack, as it is."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, limit)
    except (zlib.error, gzip.BadGzipFile):
        return data


def _utf16_without_bom(data: bytes) -> str:
    """The name of the encoding when every other byte of the beginning is NUL (PowerShell's ``>``), else empty."""
    head = data[:2000]
    if len(head) < 4:
        return ""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > half * 0.6 and even < half * 0.1:
        return "utf-16-le"
    if even > half * 0.6 and odd < half * 0.1:
        return "utf-16-be"
    return ""


def decode(data: bytes) -> str:
    """Text of bytes: a byte order mark decides, then the pattern of NUL bytes, then UTF-8, then cp1252."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data.decode(name, errors="replace").replace("\x00", "")
    wide = _utf16_without_bom(data)
    if wide:
        return data.decode(wide, errors="replace").replace("\x00", "")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        good = data[: error.start]
        # A stray byte in otherwise valid UTF-8 is damage; a text where nothing multi-byte ever was valid is cp1252.
        if good.isascii() and data.count(b"\xc3") + data.count(b"\xe2") == 0:
            text = data.decode("cp1252", errors="replace")
        else:
            text = data.decode("utf-8", errors="replace")
    return text.replace("\x00", "")
