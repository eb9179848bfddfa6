"""Which column is what, and the errors when that cannot be told."""

from collections.abc import Callable
from pathlib import Path
from typing import Unpack

import pytest

from harken.readers.layout import Columns, find_columns
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from reader_checks import Options


def find(header: str | None, first_row: str = "", **options: Unpack[Options]) -> Columns:
    names = header.split(",") if header else None
    return find_columns(Path("FILE"), names, first_row.split(","), TableOptions(**options))


def refusal(header: str | None, first_row: str = "", **options: Unpack[Options]) -> str:
    with pytest.raises(HarkenError) as caught:
        find(header, first_row, **options)
    return str(caught.value)


NOTEBOOK = Columns(time=0, x=1, y=2, z=3, accuracy=4, label=5)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("Timestamp,X,Y,Z,P,Label", NOTEBOOK),
        ("TIME,ax,ay,az,p,activity", NOTEBOOK),
        ("label,Z,Y,X,timestamp", Columns(time=4, x=3, y=2, z=1, label=0)),
        ("Subject,t,Acc X,Acc Y,Acc Z", Columns(time=1, x=2, y=3, z=4, subject=0)),
        ("Time (s),Acc X (g),Acc Y (g),Acc Z (g),Activity", Columns(time=0, x=1, y=2, z=3, label=4)),
        ("time [ms],x [m/s²],y [m/s^2],z [m/s2]", Columns(time=0, x=1, y=2, z=3)),
        ("X (deg/s),Y (deg/s),Z (deg/s),ax (g),ay (g),az (g),t", Columns(time=6, x=3, y=4, z=5)),
        ("time,x,y,z,Accuracy,p", Columns(time=0, x=1, y=2, z=3, accuracy=4)),
        ("x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro,timestamp,label", Columns(time=6, x=0, y=1, z=2, label=7)),
    ],
)
def test_names_that_are_known(header: str, columns: Columns) -> None:
    assert find(header, "0,1,2,3,4,5,6,7") == columns


@pytest.mark.parametrize("written", ["high", "", "NaN"])
def test_p_that_is_no_number_is_another_column(written: str) -> None:
    assert find("time,x,y,z,p", f"0,1,2,3,{written}") == Columns(time=0, x=1, y=2, z=3)


@pytest.mark.parametrize(
    ("first_row", "columns"),
    [
        ("0,1,2,3", Columns(time=0, x=1, y=2, z=3)),
        ("0,1,2,3,sitting", Columns(time=0, x=1, y=2, z=3, label=4)),
        ("0,1,2,3,2", Columns(time=0, x=1, y=2, z=3, accuracy=4)),
        ("0,1,2,3,12", Columns(time=0, x=1, y=2, z=3, label=4)),
        ("0,1,2,3,2,sitting", NOTEBOOK),
    ],
)
def test_without_a_header_the_notebooks_order(first_row: str, columns: Columns) -> None:
    assert find(None, first_row) == columns


def test_without_a_header_an_option_adds_to_the_notebooks_order() -> None:
    assert find(None, "0,1,2,3,2", label_column="5") == Columns(time=0, x=1, y=2, z=3, label=4)
    assert find(None, "0,1,2,3,2,ann", subject_column="6") == Columns(time=0, x=1, y=2, z=3, accuracy=4, subject=5)


def test_without_a_header_columns_by_number() -> None:
    columns = find(None, "ann,1,0,0,1,sit,7", time_column="2", x_column="3", y_column="4", z_column="5")
    assert columns == Columns(time=1, x=2, y=3, z=4)


def test_option_by_name_number_or_similar_name() -> None:
    assert find("a,b,c,d", time_column="a", x_column="2", y_column=" C", z_column="D") == Columns(time=0, x=1, y=2, z=3)


def test_name_comes_before_number() -> None:
    assert find("2,1,3,4", time_column="1", x_column="2", y_column="3", z_column="4").time == 1


def test_number_given_as_a_number() -> None:
    assert find("a,x,y,z", time_column=1).time == 0  # type: ignore[arg-type]


def test_option_comes_before_known_names() -> None:
    assert find("time,x,y,z,label,Mood", label_column="Mood").label == 5
    assert find("Time,Timestamp,x,y,z", time_column="Time").time == 0


REFUSALS: dict[str, tuple[Callable[..., str], tuple[str | None] | tuple[str | None, str], Options, str]] = {
    "wrong names": (
        refusal,
        ("when,ex,why,zed",),
        {},
        "FILE: found no column for time, x, y and z (its columns are when, ex, why, zed); choose with "
        "--time-column, --x-column, --y-column, --z-column, or --rate HZ if there are no times; "
        "--skip-rows N skips lines above the header",
    ),
    "one wrong name": (
        refusal,
        ("time,x,y,height",),
        {},
        "FILE: found no column for z (its columns are time, x, y, height); choose with --z-column; "
        "--skip-rows N skips lines above the header",
    ),
    "no header, wrong width": (
        refusal,
        (None, "0,1,2,3,4,5,6"),
        {},
        "FILE: it has no header and 7 columns, not the 4, 5 and 6 of Timestamp,X,Y,Z[,P],Label; choose the columns "
        "by number, for example --time-column 1 --x-column 2 --y-column 3 --z-column 4",
    ),
    "option names no column": (
        refusal,
        ("time,x,y,z",),
        {"label_column": "what"},
        "FILE: there is no column 'what' for --label-column; its columns are time, x, y, z",
    ),
    "number beyond the last column": (
        refusal,
        (None, "0,1,2,3"),
        {"label_column": "5"},
        "FILE: there is no column '5' for --label-column; it has no header and 4 columns",
    ),
    "two columns could be it": (
        refusal,
        ("time,timestamp,x,y,z",),
        {},
        "FILE: more than one column could be time (time, timestamp); choose with --time-column",
    ),
    "two columns of one name": (
        refusal,
        ("time,a,a,y,z",),
        {"x_column": "a"},
        "FILE: 2 columns are called 'a'; choose with --x-column 2 or 3",
    ),
    "one column twice": (
        refusal,
        ("time,a,b,c",),
        {"x_column": "a", "y_column": "2"},
        "FILE: --x-column and --y-column name the same column; its columns are time, a, b, c",
    ),
    "some by number, some not at all": (
        refusal,
        (None, "0,1,2,3,4,5,6"),
        {"time_column": "1", "x_column": "2"},
        "FILE: found no column for y and z (it has no header and 7 columns); choose with --y-column, --z-column",
    ),
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_refusal(fault: str) -> None:
    _, arguments, options, message = REFUSALS[fault]
    assert refusal(*arguments, **options) == message
