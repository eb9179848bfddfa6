"""Files of TOML that a person writes, and the line at which something in them is wrong."""

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harken.support.errors import HarkenError
from harken.support.printable import listed, printable
from harken.support.text_rows import line_error

HEADER = re.compile(r"\s*\[")
"""The line at which a table of the file begins."""
AT_LINE = re.compile(r" \(at line (\d+), column \d+\)")
"""What tomllib writes behind the reason of an error."""
LONGEST_NAME = 60


@dataclass(frozen=True)
class TomlTable:
    """A table of a file of TOML: what is written before the first header, or below one header.

    Attributes:
        path: the file.
        written: its keys and values.
        lines: all lines of the file.
        begin: the number of the line at which the table begins.
    """

    path: Path
    written: Mapping[str, Any]
    lines: Sequence[str]
    begin: int

    def error(self, key: str, reason: str) -> HarkenError:
        """Return the error of a key, at its line; at that of the table for a key that is missing."""
        for number, line in enumerate(self.lines[self.begin - 1 :], self.begin):
            if number > self.begin and HEADER.match(line):
                break
            if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
                return line_error(self.path, number, reason)
        return line_error(self.path, self.begin, reason)

    def refuse_other_keys(self, known: Collection[str]) -> None:
        """Raise a HarkenError for a key that has no meaning."""
        for key in self.written:
            if key not in known:
                name = printable(key[:LONGEST_NAME])
                raise self.error(key, f"there is no {name!r} here; choose from {listed(sorted(known))}")


def parse_toml(content: bytes, *, path: Path, what: str) -> TomlTable:
    """Parse the content of a file, and return all of it as one table that begins at its first line.

    Args:
        content: the content of the file.
        path: the file, for errors.
        what: what such a file is called, such as ``a routine``.

    Raises:
        HarkenError: when it is no TOML; the message has the line.
    """
    try:
        text = content.decode("utf-8-sig")
        written = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise HarkenError(f"{what} must be text in UTF-8", path=path) from error
    except (ValueError, RecursionError) as error:  # ValueError: also for a number of thousands of digits
        place = AT_LINE.search(str(error))
        reason = f"this is no TOML: {AT_LINE.sub('', str(error))}"
        raise line_error(path, 1 if place is None else int(place[1]), reason) from error
    return TomlTable(path, written, text.splitlines(), begin=1)
