"""Printable text: escaped names from outside, such as file names; lists of words; shares in per cent; equal notes."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

LONE_SURROGATES = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
"""Halves of characters. U+DC80 to U+DCFF are left out: Python uses them for bytes that it cannot decode (PEP 383)."""
FIXED_ZONE = re.compile(r"Etc/GMT([+-])(\d{1,2})")
INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, some of which are commands to a terminal; line ends; changes of the writing direction."""
NUMBER = re.compile(r"(?<![\w.,/-])\d+(?:\.\d+)?(?![\w/]| (?:d|h|min) \d)")
"""A number by itself, not in a file name, a date, a unit or the larger part of a duration (``6 h 5 min``)."""
SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def printable(text: object) -> str:
    r"""The text with a visible escape for each character that cannot be printed or stored, as in ``b\xf6rn.csv``.

    A file's name may be any bytes. Those that are not UTF-8 become ``\xf6``, control characters ``\n`` or ``\x1b``,
    halves of characters ``\ud800``. Other text is unchanged, and so is text that is escaped already. A name in UTF-8
    is shown as such, even if Python was started in a locale (``LC_ALL=C``) that has only ASCII.

    Args:
        text: a name, a path, or a sentence with one.
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


def listed(words: Iterable[object]) -> str:
    """One or more words as a list in a sentence: ``lying``, ``lying and sitting``, ``lying, sitting and walking``."""
    *most, last = map(str, words)
    return f"{', '.join(most)} and {last}" if most else last


def quoted(names: Iterable[object]) -> str:
    """Names that a user gave, as a list in a sentence: ``“mine”``, ``“mine” and “Anna”``."""
    return listed(f"“{name}”" for name in names)


def plural(count: int, singular: str, several: str = "") -> str:
    """Return a count with its word: ``1 file``, ``3 files``, ``2 people``.

    Args:
        count: how many there are.
        singular: the word for one.
        several: the word for several, if it is not the singular and an ``s``.
    """
    return f"{count} {singular}" if count == 1 else f"{count} {several or singular + 's'}"


def percent(share: float, *, decimals: int = 1) -> str:
    """A share (0..1) with its sign: ``63.5 %``, ``0 %``, ``<0.1 %``; arguments as of ``percent_number``."""
    return f"{percent_number(share, decimals=decimals)} %"


def percent_number(share: float, *, decimals: int = 1) -> str:
    """A share (0..1) in per cent without the sign; ``0`` and ``100`` are used only for exactly 0 and 1.

    Args:
        share: the share, 0 to 1.
        decimals: the number of decimals.
    """
    if share in (0.0, 1.0):
        return "100" if share else "0"
    text = f"{share:.{decimals}%}"[:-1]
    least = 10.0**-decimals
    if float(text) == 0:
        return f"<{least:.{decimals}f}"
    return f">{100 - least:.{decimals}f}" if float(text) == 100 else text


def duration_text(seconds: float) -> str:
    """A duration as text in its two largest units: ``1 d 3 h``, ``5 min``, ``0.52 s``."""
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    for (unit, size), (smaller, smaller_size) in pairwise(units):
        count = round(seconds / smaller_size)
        if count * smaller_size >= size:  # after rounding: 59 min 59.9 s is 1 h
            whole, rest = divmod(count, size // smaller_size)
            return f"{whole} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{seconds:.3g} s"


def zone_in_words(timezone: str) -> str:
    """A time zone (an IANA name) for people: a zone of a fixed offset, such as ``Etc/GMT+5``, is ``UTC-05:00``. These
    names have the opposite sign."""
    found = FIXED_ZONE.fullmatch(timezone)
    return timezone if found is None else f"UTC{'-' if found[1] == '+' else '+'}{int(found[2]):02d}:00"


class SharedNote(NamedTuple):
    """A note, and the positions of the recordings that it is about."""

    text: str
    recordings: tuple[int, ...]


def share_notes(notes: Sequence[Sequence[str]]) -> list[SharedNote]:
    """Join equal notes of recordings, in the order of their first occurrence.

    Args:
        notes: the notes of each recording. Numbers may differ between recordings: the joined note has the smallest and
            the largest of them.
    """
    # The key is the text between the numbers, and the count of the same text in the recording, so that both are kept.
    alike: dict[tuple[tuple[str, ...], int], dict[int, str]] = {}
    for position, own in enumerate(notes):
        earlier: Counter[tuple[str, ...]] = Counter()
        for note in own:
            form = tuple(NUMBER.split(note))
            alike.setdefault((form, earlier[form]), {})[position] = note
            earlier[form] += 1
    return [SharedNote(_joined(list(texts.values())), tuple(texts)) for texts in alike.values()]


def _joined(notes: list[str]) -> str:
    between = NUMBER.split(notes[0])
    numbers = [_range(texts) for texts in zip(*(NUMBER.findall(note) for note in notes), strict=True)]
    return between[0] + "".join(number + after for number, after in zip(numbers, between[1:], strict=True))


def _range(texts: Sequence[str]) -> str:
    least = min(texts, key=float)
    greatest = max(texts, key=float)
    return least if float(least) == float(greatest) else f"{least} to {greatest}"
