"""Names from outside, such as a file's, as text that can be printed, stored and read by people."""

import re

__all__ = ["printable"]

LONE_SURROGATES = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
"""Half a character. Those between are Python's stand-ins for bytes that it could not decode (PEP 383)."""
INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, of which a terminal takes some as commands; line ends; changes of the direction of writing."""
SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def printable(text: object) -> str:
    r"""The text with a visible escape for whatever cannot be printed or stored, as in ``b\xf6rn.csv``.

    A file's name may be any bytes. Those that are not UTF-8 become ``\xf6``, control characters ``\n`` or ``\x1b``,
    halves of characters ``\ud800``. Other text stays as it is, and so does text that was treated before. A name that
    is UTF-8 is shown as such, even where Python was started in a locale (``LC_ALL=C``) that has only ASCII.

    Args:
        text: a name, a path, or a sentence in which one stands.
    """
    text = str(text)
    if text.isprintable():
        return text
    whole = LONE_SURROGATES.sub(_escape, text)
    decoded = whole.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return INVISIBLE.sub(_escape, decoded)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    return SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
