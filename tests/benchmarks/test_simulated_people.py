"""What is said of made-up wearers, counted against their truth."""

import polars as pl

from benchmarks.model import simulated_people
from example_timelines import timeline

HOUR_NS = 3600 * 10**9


def test_hours_with_samples_are_counted_by_truth_and_by_label() -> None:
    edges = [0, 2 * HOUR_NS, 3 * HOUR_NS, 4 * HOUR_NS, 5 * HOUR_NS]
    time = pl.Datetime("ns", "UTC")
    truth = pl.DataFrame(
        {
            "start": pl.Series(edges[:-1]).cast(time),
            "end": pl.Series(edges[1:]).cast(time),
            "label": ["sitting", "walking", "walking", None],
            "recorded": [True, True, False, True],
        }
    )
    labelled = timeline(
        1800, [3600, 3600, 1800, 3600, 1800, 1800], ["sitting", "walking", "unknown", "gap", "not worn", "sitting"]
    )
    hours = simulated_people.hours_of(truth, labelled)
    assert hours == {
        "sitting": {"sitting": 1.0, "walking": 0.5},
        "walking": {"walking": 0.5, "(no label)": 0.5},
        "(not worn)": {"(not worn)": 0.5, "sitting": 0.5},
    }
    assert simulated_people.right(hours) == {"sitting": 1 / 1.5, "walking": 0.5, "(not worn)": 0.5}
    assert simulated_people.added([hours, hours])["walking"] == {"(no label)": 1.0, "walking": 1.0}
