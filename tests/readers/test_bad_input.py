"""What bad input gets: for every mistake, the message that its maker sees."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harken
from harken.support.errors import HarkenError
from reader_checks import refusals
from tables import HEADER, notebook_lines, write

LINES = [HEADER, *notebook_lines()]
CUT = "Remove or complete it; --skip-rows N skips lines at the top"
LONG = "Correct it; --skip-rows N skips lines at the top"


refusal = refusals(harken.read)


def test_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no.csv") == "FILE: there is no such file"


def test_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "FILE is a folder; name the files in it"


def test_what_is_no_file_on_a_disk(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe") == (
        "FILE: this is not a regular file; harken reads a file more than once, so it cannot read from a pipe or a "
        "device"
    )


def test_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, LINES)
    monkeypatch.setattr(Path, "open", refuse)
    assert refusal(path) == "FILE: cannot be read (Permission denied)"


def edited(line: int, edit: Callable[[str], str]) -> list[str]:
    """``LINES`` with one line (from 1) edited."""
    return [edit(text) if number == line else text for number, text in enumerate(LINES, 1)]


def without_last(text: str) -> str:
    return text.rsplit(",", 1)[0]


ROWS_AT_FAULT: dict[str, tuple[list[str] | str, str]] = {
    "last row cut short": (
        "\n".join(LINES[:-1]) + "\n15191704",
        f"FILE, line 9: the row is cut short: 1 of 6 columns. {CUT}",
    ),
    "last row cut before its label": (
        "\n".join(LINES).removesuffix(",sitting"),
        f"FILE, line 9: the row is cut short: 5 of 6 columns. {CUT}",
    ),
    "middle row cut short": (edited(5, without_last), f"FILE, line 5: the row is cut short: 5 of 6 columns. {CUT}"),
    "cut short, quoted commas elsewhere": (
        [*edited(5, without_last)[:-1], LINES[-1].replace("sitting", '"sitting, reading"')],
        f"FILE, line 5: the row is cut short: 5 of 6 columns. {CUT}",
    ),
    "cut short, DOS line ends": (
        "\r\n".join(edited(5, without_last)) + "\r\n",
        f"FILE, line 5: the row is cut short: 5 of 6 columns. {CUT}",
    ),
    "cut short after blank lines": (
        [LINES[0], "", "  ", *edited(5, without_last)[1:]],
        f"FILE, line 7: the row is cut short: 5 of 6 columns. {CUT}",
    ),
    "short and long rows that add up": (
        [*edited(5, without_last)[:-1], LINES[-1] + ","],
        f"FILE, line 5: the row is cut short: 5 of 6 columns. {CUT}",
    ),
    "row too long": (
        edited(6, lambda text: text + ",oh"),
        f"FILE, line 6: the row has 7 fields, but the first row has 6. {LONG}",
    ),
    "text in x": (
        edited(4, lambda text: text.replace(",", ",a", 1)),
        f"FILE, line 4, column X: 'a{LINES[3].split(',')[1]}' is not a number. "
        "Correct it, or choose the column of x with --x-column",
    ),
    "text in P": (
        edited(4, lambda text: text.replace(",3,", ",high,")),
        "FILE, line 4, column P: 'high' is not a number. Correct it",
    ),
    "number that only Python understands": (
        edited(4, lambda text: text.replace(",3,", ",1_0,")),
        "FILE, line 4, column P: '1_0' is not a number. Correct it",
    ),
    "text in a time": (
        edited(4, lambda text: "o" + text),
        f"FILE, line 4: 'o{LINES[3].split(',')[0]}' is not a number, as the other times are",
    ),
    "text in a time after blank lines": (
        [*LINES[:2], "", *edited(4, lambda text: "o" + text)[2:]],
        f"FILE, line 5: 'o{LINES[3].split(',')[0]}' is not a number, as the other times are",
    ),
    "quotation mark never closed": (
        edited(4, lambda text: text.replace("sitting", '"sitting')),
        "FILE, line 4: a quotation mark opens a field and is never closed",
    ),
    "quotation mark closed some lines later": (
        [*edited(4, lambda text: text.replace("sitting", '"sitting'))[:-1], LINES[-1].replace("sitting", '"sitting')],
        "FILE, line 4: a quotation mark opens a field and is not closed before the next one",
    ),
    "last label cut short": (
        "\n".join(LINES).removesuffix("ing"),
        "FILE, line 9: the file ends within its last label: 'sitt' instead of 'sitting'. Remove or complete the line",
    ),
    "label over two lines": (
        edited(4, lambda text: text.replace("sitting", '"sit\nting"')),
        "FILE, line 4: the label 'sit' continues on the next line; is a quotation mark missing?",
    ),
}


@pytest.mark.parametrize("fault", ROWS_AT_FAULT)
def test_row_at_fault(fault: str, tmp_path: Path) -> None:
    lines, message = ROWS_AT_FAULT[fault]
    assert refusal(write(tmp_path, lines)) == message


FILES_AT_FAULT = {
    "empty": (b"", "FILE: the file is empty"),
    "blank": (b"\n \n\r\n", "FILE: the file is empty"),
    "header only": (HEADER.encode(), f"FILE: it contains no rows of data, only the line {HEADER!r}"),
    "UTF-16": ("\n".join(LINES).encode("utf-16"), "FILE: the text is UTF-16; save it as UTF-8"),
    "UTF-16 without a mark": (
        "\n".join(LINES).encode("utf-16-le"),
        "FILE: this is not a text table (it holds zero bytes)",
    ),
    "binary": (bytes(range(256)) * 9, "FILE: this is not a text table (it holds zero bytes)"),
    "spreadsheet": (
        b"PK\x03\x04\x14\x00",
        "FILE: this is a zip archive (or an Excel sheet); unpack it (or save it as CSV) first",
    ),
    "old Macintosh line ends": (
        "\r".join(LINES).encode(),
        "FILE: its lines do not end in a newline; save it with the line ends of Unix or DOS",
    ),
    "one endless line": (
        b"1519170400000," * 9000,
        "FILE: its lines do not end in a newline; save it with the line ends of Unix or DOS",
    ),
    "not UTF-8": (
        "\n".join(LINES).replace("sitting", "walking", 3).replace("sitting", "öffne", 1).encode("latin-1"),
        "FILE, line 5: the byte 0xf6 is not UTF-8; save the file as UTF-8",
    ),
    "gz cut short": (
        gzip.compress("\n".join(LINES).encode())[:-9],
        "FILE: the gzip file is damaged or cut short (Compressed file ended before",
    ),
    "gz of nothing": (gzip.compress(b""), "FILE: the file is empty"),
    "Parquet cut short": (b"PAR1" + b"\0" * 40, "FILE: not a complete Parquet file"),
}


@pytest.mark.parametrize("fault", FILES_AT_FAULT)
def test_file_at_fault(fault: str, tmp_path: Path) -> None:
    content, message = FILES_AT_FAULT[fault]
    assert refusal(write(tmp_path, content)).startswith(message)


def test_damaged_gz(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress("\n".join(LINES).encode()))
    packed[30] ^= 0xFF
    assert refusal(write(tmp_path, bytes(packed))).startswith("FILE: the gzip file is damaged or cut short (")


def test_wrong_option_names_are_a_programmers_mistake(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"read\(\) has no option unit; its options are acceleration_unit, "):
        harken.read(tmp_path / "a.csv", unit="g")


BAD_OPTIONS: dict[str, tuple[dict[str, object], str]] = {
    "time unit": ({"time_unit": "min"}, "--time-unit min: this unit is not supported; the units are s, ms, us, ns"),
    "unit": ({"acceleration_unit": "N"}, "--unit N: this unit is not supported; the units are g, m/s2, mg, g/64"),
    "rate": ({"sample_rate_hz": 0.0}, "--rate 0: give samples per second, up to 10,000"),
    "rate not a number": ({"sample_rate_hz": float("nan")}, "--rate nan: give samples per second, up to 10,000"),
    "range": ({"sensor_range_g": -8}, "--sensor-range -8: give the sensor's range in g, such as 8"),
    "skipped rows": ({"skip_rows": -1}, "--skip-rows -1: give the number of lines to skip, 0 or more"),
    "too many skipped rows": ({"skip_rows": 10}, "FILE: the file is empty after 10 skipped rows"),
    "zone": (
        {"timezone": "Athens"},
        "there is no time zone 'Athens'; zones look like Europe/Athens or UTC",
    ),
    "zone that is a folder": (
        {"timezone": "Europe"},
        "there is no time zone 'Europe'; zones look like Europe/Athens or UTC",
    ),
    "subject": ({"subject": "ann", "subject_column": "P"}, "FILE: has no subject 'ann'; its subject is '3'"),
}


@pytest.mark.parametrize("fault", BAD_OPTIONS)
def test_bad_option(fault: str, tmp_path: Path) -> None:
    options, message = BAD_OPTIONS[fault]
    assert refusal(write(tmp_path, LINES), **options) == message


def test_an_unknown_zone_is_refused_before_a_file_is_read() -> None:
    with pytest.raises(HarkenError, match="there is no time zone 'Athens'; zones look like Europe/Athens or UTC"):
        harken.TableOptions(timezone="Athens")


def mutations(content: bytes) -> st.SearchStrategy[bytes]:
    """A file cut, or with some of its bytes removed, flipped, or put in."""
    place = st.integers(0, len(content) - 1)
    odd = st.sampled_from([b'"', b"\n", b"\r", b",", b";", b"\0", b" ", b"-", b"e", b"\xff", b"9", b"nan", b"\n\n"])
    return st.one_of(
        place.map(lambda end: content[:end]),
        st.tuples(place, st.integers(1, 40)).map(lambda cut: content[: cut[0]] + content[cut[0] + cut[1] :]),
        st.lists(st.tuples(place, odd), min_size=1, max_size=4).map(lambda edits: _with(content, edits)),
        st.tuples(place, st.integers(0, 255)).map(lambda edit: _with(content, [(edit[0], bytes([edit[1]]))])),
    )


def _with(content: bytes, edits: list[tuple[int, bytes]]) -> bytes:
    for place, replacement in edits:
        content = content[:place] + replacement + content[place + 1 :]
    return content


def recording_or_refusal(path: Path) -> None:
    try:
        message = "" if len(harken.read(path)) else "nothing"
    except HarkenError as error:
        message = str(error)
    assert len(message) < 600  # an error is a sentence, not the file


def test_csv_cut_at_every_byte(tmp_path: Path) -> None:
    content = "\n".join([HEADER, *notebook_lines(4)]).encode()
    for end in range(len(content)):
        recording_or_refusal(write(tmp_path, content[:end]))


@settings(max_examples=150)
@given(content=mutations("\n".join([HEADER, *notebook_lines(12, label='"on, foot"')]).encode()))
def test_mutilated_csv(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    recording_or_refusal(write(tmp_path_factory.getbasetemp(), content, "mutilated.csv"))


@settings(max_examples=60)
@given(content=mutations(gzip.compress("\n".join(LINES).encode())))
def test_mutilated_gz(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    recording_or_refusal(write(tmp_path_factory.getbasetemp(), content, "mutilated.csv.gz"))


def a_parquet_file() -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    pl.read_csv("\n".join(LINES).encode()).write_parquet(buffer)
    return buffer.getvalue()


def test_parquet_cut_anywhere(tmp_path: Path) -> None:
    content = a_parquet_file()
    for end in range(0, len(content), 9):
        recording_or_refusal(write(tmp_path, content[:end], "cut.parquet"))


# Not at random: one in some thousand flipped bytes makes polars itself ask for 2**61 bytes, which ends the process.
@settings(max_examples=60, derandomize=True)
@given(content=mutations(a_parquet_file()))
def test_mutilated_parquet(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    recording_or_refusal(write(tmp_path_factory.getbasetemp(), content, "mutilated.parquet"))
