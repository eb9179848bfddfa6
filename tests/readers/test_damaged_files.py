"""Files of every kind, cut short and with changed bytes: they are refused in a sentence, or read for what is left."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports import LONGEST_MESSAGE, mutilations
from goldens.records import inputs
from harken.readers import open_stream, read
from harken.recordings.recording import Recording
from stream_checks import assert_same, refusal_of
from tables import HEADER, notebook_lines, write

CHECKED = (
    "csv written: gzipped",
    "parquet: notebook's columns",
    "axivity: gzipped",
    "actigraph: packets of 12 bits",
    "actigraph: packets of 16 bits",
    "actigraph: stored",
    "actigraph of old: ordinary",
    "phyphox: an archive with pauses",
    "sensor logger: a phone's archive",
)
"""Kinds of files with a checksum, or an index at their end: nothing is left of a file that was cut short."""
KINDS = (
    *CHECKED,
    "csv written: notebook's format",
    "csv written: WISDM's layout",
    "axivity: AX3",
    "axivity: AX6",
    "geneactiv: ordinary",
    "actilife: columns named",
    "actilife: American times",
    "empatica: ordinary",
    "phyphox: tabs and decimal commas",
    "sensor logger: a watch's file",
)


def recording_or_refusal(path: Path, **options: Any) -> Recording | None:
    """What is read of a file; None if it is refused, which must be in a sentence."""
    found: list[Recording] = []
    message = refusal_of(lambda file: found.append(read(file, **options)), path)
    assert message is None or 0 < len(message) < LONGEST_MESSAGE
    return found[0] if found else None


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_refused_or_read_for_what_is_left(kind: str, tmp_path: Path) -> None:
    made = inputs(real=False)[f"made up/{kind}"]
    path, options = made.locate(tmp_path), dict(made.options)
    content, whole = path.read_bytes(), read(path, **options)
    intact = read(path, as_found=True, **options).signals
    cuts_read = 0
    for way, damaged in mutilations(content):
        path.write_bytes(damaged)
        found = recording_or_refusal(path, **options)
        if found is None:
            continue
        if way == "cut":
            cuts_read += 1
            assert found.channels == whole.channels
            kept = len(found) - 1  # the last number may have lost digits
            np.testing.assert_array_equal(found.signals[:kept], whole.signals[:kept])
            np.testing.assert_array_equal(found.time_ns[:kept], whole.time_ns[:kept])
        elif kind not in CHECKED:
            rows = read(path, as_found=True, **options).signals
            if len(rows) == len(intact):
                differs = (rows != intact) & ~(np.isnan(rows) & np.isnan(intact))
                assert differs.any(axis=1).sum() <= 1
    assert (cuts_read > 0) == (kind not in CHECKED)


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_streams_or_is_refused_as_the_whole_is(kind: str, tmp_path: Path) -> None:
    made = inputs(real=False)[f"made up/{kind}"]
    path, options = made.locate(tmp_path), dict(made.options)
    for _, damaged in list(mutilations(path.read_bytes(), cuts=4, flips=6))[::5]:
        path.write_bytes(damaged)
        refused = refusal_of(lambda file: read(file, **options), path)
        assert refusal_of(lambda file: open_stream(file, **options), path) == refused
        if refused is None:
            assert_same(open_stream(path, **options), path, **options)


ODD = [b'"', b"\n", b"\r", b",", b";", b"\0", b" ", b"-", b"e", b"\xff", b"9", b"nan", b"\n\n"]


@st.composite
def mutilated(draw: st.DrawFn, content: bytes) -> bytes:
    """A table, cut, with some bytes removed, or with odd ones in their place."""
    for _ in range(draw(st.integers(1, 4))):
        place, length = draw(st.integers(0, len(content) - 1)), draw(st.sampled_from([0, 1, 7, 40, len(content)]))
        content = content[:place] + draw(st.sampled_from([b"", *ODD])) + content[place + length :] + b"\n"
    return content


@settings(max_examples=150)
@given(content=mutilated("\n".join([HEADER, *notebook_lines(12, label='"on, foot"')]).encode()), packed=st.booleans())
def test_a_table_with_odd_characters(content: bytes, packed: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp()
    if packed:
        recording_or_refusal(write(folder, gzip.compress(content), "mutilated.csv.gz"))
    recording_or_refusal(write(folder, content, "mutilated.csv"))
