"""ActiLife's CSV export: the dates of its header, and headers that are refused."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from actigraph_files import export_header
from harken.readers import actilife
from reader_checks import as_found, collected, notes, refusals
from tables import write

RATE = 30
AXES = "Accelerometer X,Accelerometer Y,Accelerometer Z"


read = as_found(collected(actilife))
refusal = refusals(read)


def values(rows: int = 3 * RATE) -> NDArray[np.float64]:
    """Noise around 1 g, float64 ``[rows, 3]``, with three decimals."""
    return np.random.default_rng(4).normal([0.1, -0.95, 0.2], 0.05, (rows, 3)).round(3)


def rows_of(samples: NDArray[np.float64]) -> list[str]:
    return [",".join(f"{value:g}" for value in row) for row in samples]


# The header.

DATES = {
    "as it says, day first": ("date format dd/MM/yyyy", "03/04/2019", "05/04/2019", "2019-04-03", False),
    "as it says, month first": ("date format M/d/yyyy", "3/4/2019", "3/9/2019", "2019-03-04", False),
    "another order by the download": ("date format dd/MM/yyyy", "09-12-2017", "09-19-2017", "2017-09-12", True),
    "another order by the start": ("date format M/d/yyyy", "13/4/2019", "14/4/2019", "2019-04-13", True),
    "another order, for the download comes later": ("date format M/d/yyyy", "5/3/2019", "2/4/2019", "2019-03-05", True),
    "no format": ("", "9/17/2019", "9/18/2019", "2019-09-17", False),
    "two digits of the year": ("date format M/d/yy", "9/17/19", "9/18/19", "2019-09-17", False),
}


@pytest.mark.parametrize("case", DATES)
def test_dates_of_the_header(case: str, tmp_path: Path) -> None:
    form, start, download, day, other = DATES[case]
    header = export_header(first=f"{form} at 30 Hz", start=("18:40:00", start), download=("19:00:00", download))
    recording = read(write(tmp_path, [*header, AXES, *rows_of(values())]))
    assert np.datetime64(int(recording.time_ns[0]), "ns") == np.datetime64(f"{day}T18:40:00")
    assert ("which does not fit its dates" in notes(recording)) == other


BAD_HEADERS = {
    "no such time": (export_header(start=("25:00:00", "9/17/2019")), "is not a date and time"),
    "absurd rate": (export_header(first="date format M/d/yyyy at 99999 Hz"), "its header has no rate"),
    "a year of 400 digits": (export_header(start=("18:40:00", f"9/17/{'2' * 400}")), "is not a date and time"),
    "counts": (export_header(first="date format M/d/yyyy", period="00:00:10"), "contains counts over 00:00:10"),
}


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_bad_headers(case: str, tmp_path: Path) -> None:
    header, message = BAD_HEADERS[case]
    assert message in refusal(write(tmp_path, [*header, AXES, *rows_of(values())]))
