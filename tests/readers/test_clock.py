"""Times of a watch on local time, over the two days a year on which clocks change."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.readers.options import TableOptions
from harken.readers.units import nanoseconds


@settings(max_examples=30)
@given(
    zone=st.sampled_from(["Europe/Athens", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"]),
    start=st.datetimes(datetime(2015, 1, 1), datetime(2019, 12, 1)),
)
def test_a_year_of_local_time(zone: str, start: datetime) -> None:
    """Whatever a watch on local time wrote every 10 minutes for 400 days is read as it happened."""
    first = start.replace(tzinfo=UTC, second=0, microsecond=0)
    truth = pl.datetime_range(first, first + timedelta(days=400), "10m", time_unit="ms", time_zone="UTC", eager=True)
    local = truth.dt.convert_time_zone(zone).dt.replace_time_zone(None)
    clock = nanoseconds(Path("a"), local, TableOptions(timezone=zone), str)
    np.testing.assert_array_equal(clock.time_ns, truth.dt.epoch("ns").to_numpy())
