"""Bytes of any encoding to text, never an error."""

from __future__ import annotations

import re
import zlib


def unzipped(data: bytes, limit: int = 64 << 20) -> bytes:
    """The content of gzip data, of at most ``limit`` bytes; other data, and data that does not unpack, as it is."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, limit)
    except zlib.error:
        return data


def wide_encoding(data: bytes) -> str:
    """The encoding of UTF-16 data, told by its byte order mark or by NUL in every other byte (PowerShell's ``>``); else empty."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
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


_BROKEN = re.compile(rb"([\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\n(?=[\x80-\xbf])")


def decode(data: bytes) -> str:
    """Text of bytes: a byte order mark decides, then the pattern of NUL bytes, then UTF-8, then cp1252."""
    wide = wide_encoding(data)
    if wide:
        return data.decode(wide, errors="replace").replace("\x00", "")
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = _damaged(data)
    return text.replace("\x00", "")


def _damaged(data: bytes) -> str:
    """Text of bytes that are not valid UTF-8: mended where a line break stands inside a character, cp1252, or replaced."""
    mended = _BROKEN.sub(rb"\1", data)  # some tools wrap after so many bytes, in the middle of a character
    try:
        return mended.decode("utf-8")
    except UnicodeDecodeError:
        pass
    replaced = data.decode("utf-8", errors="replace")
    lost = replaced.count("\ufffd")
    several = sum(1 for character in replaced[:20_000] if ord(character) > 127 and character != "\ufffd")
    # A stray byte in otherwise valid UTF-8 is damage; a text where nothing of several bytes is valid is cp1252.
    return replaced if several > lost else data.decode("cp1252", errors="replace")
