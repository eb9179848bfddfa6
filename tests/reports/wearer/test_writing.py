"""What stands in the page, read without a browser."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from example_timelines import timeline
from harken.labelling.settings import LabelSettings
from harken.mounting.turns import Mounting, MountingSource, Turn
from harken.outcomes.outcomes import Outcomes
from harken.outcomes.recording_quality import Limit, LimitKind, RecordingQuality
from harken.recordings.recording import Placement
from harken.reports.wearer import write_wearer_report
from harken.support.errors import HarkenError
from harken.timelines import Timeline
from report_page import ReportPage
from wearers_week import MODEL_CARD, PLAIN_QUALITY, changed, labelled_week, not_applied

EVIL = """<img src=x onerror="document.title='taken'">"</script><script>document.title='taken'</script>"""
UNKNOWN = Mounting(Turn(), MountingSource.NONE)


@pytest.fixture(scope="module")
def page(week_page: Path) -> ReportPage:
    return ReportPage(week_page)


def rows_of(page: ReportPage) -> dict[str, Any]:
    """What the zoomed picture is drawn from."""
    rows: dict[str, Any] = json.loads(page.scripts[0])
    return rows


def small(**changes: Any) -> Timeline:
    """Two rows of a quarter of an hour, sitting then walking."""
    quarter = 15 * 60 * 10**9
    given: dict[str, Any] = {
        "end_ns": 2 * quarter,
        "recorded": np.array([True, True]),
        "labels": ("sitting", "walking"),
        "subject": "somebody",
        "activity_mg": np.array([10.0, 200.0]),
    }
    return Timeline.of(np.array([0, quarter]), np.array([[0.9, 0.1], [0.2, 0.8]]), **(given | changes))


def written(
    path: Path,
    timeline: Timeline,
    *,
    quality: RecordingQuality = PLAIN_QUALITY,
    model_card: tuple[str, str, str] = MODEL_CARD,
    **tables: pl.DataFrame,
) -> ReportPage:
    outcomes = changed(Outcomes(timeline, None, None, LabelSettings()), **tables)
    write_wearer_report(path, outcomes, quality=quality, model_card=model_card)
    return ReportPage(path)


def test_days_without_data_are_one_line(tmp_path: Path) -> None:
    hour, day = 3600.0, 86_400.0
    found = timeline(
        946_684_800,
        [hour, 8766 * day, hour, 47 * hour, hour],
        ["sitting", "gap", "walking", "gap", "sitting"],
        timezone="Europe/London",
        activity_mg=[10, np.nan, 200, np.nan, 10],
    )
    page = written(tmp_path / "page.html", found)
    strips = [attributes["aria-label"] or "" for _, attributes in page.elements if attributes.get("class") == "strip"]
    assert [strip.split(":")[0] for strip in strips] == [
        "Saturday 1 January",
        "Monday 1 January",
        "Wednesday 3 January",
    ]
    for line in ("8,765 days without data: 2000-01-02 to 2023-12-31", "1 day without data: 2024-01-02"):
        assert page.text.count(line) == 3  # among the strips, the bars and the rows of the table
    assert page.text.index("Saturday 1 January") < page.text.index("8,765 days") < page.text.index("Monday 1 Jan")
    assert len(rows_of(page)["days"]) == 3
    assert (tmp_path / "page.html").stat().st_size < 100_000


def test_a_day_that_the_zone_skipped_is_no_day_of_the_report(tmp_path: Path) -> None:
    noon_utc = 1_325_160_000  # 29 December 2011, 02:00 in Apia, which had no 30 December
    page = written(tmp_path / "page.html", timeline(noon_utc, [40 * 3600.0], ["sitting"], timezone="Pacific/Apia"))
    assert len(rows_of(page)["days"]) == 2
    assert "Thursday 29 December" in page.text
    assert "Saturday 31 December" in page.text
    assert "without data" not in page.text


def test_the_picture_draws_the_timeline_itself(week: Timeline, page: ReportPage) -> None:
    rows = rows_of(page)
    lengths = np.frombuffer(base64.b64decode(rows["lengths"]), dtype="<u2").astype(np.int64)
    for row, length in rows["long"]:
        lengths[row] = length
    starts = rows["first"] + rows["tick"] * np.concatenate([[0], np.cumsum(lengths)[:-1]])
    assert np.abs(starts - week.frame["start"].dt.epoch("ms").to_numpy()).max() <= rows["tick"]
    codes = np.frombuffer(base64.b64decode(rows["codes"]), dtype="u1")
    names = [*rows["labels"], *[None] * 256]
    assert [names[code] for code in codes] == week.frame["label"].to_list()
    worn = week.frame["wear"]
    assert np.array_equal(codes == 251, worn.eq_missing(False).to_numpy())
    assert np.array_equal(codes == 252, ~week.frame["recorded"].to_numpy())
    activity = np.frombuffer(base64.b64decode(rows["activity"]), dtype="<u2")
    known = activity != 65535
    assert np.allclose(activity[known] / 10, week.frame["activity_mg"].drop_nulls().to_numpy(), atol=0.051)
    smoothed = week.frame[f"smoothed_{rows['labels'][0]}"].to_numpy()[codes == 0]
    probability = np.frombuffer(base64.b64decode(rows["probability"]), dtype="u1")
    assert np.allclose(probability[codes == 0] / 250, smoothed, atol=0.0021)


@pytest.mark.parametrize(
    ("start", "hours", "text", "marks"),
    [
        (datetime(2024, 3, 30, tzinfo=UTC), 23, "clocks went forward", 8),
        (datetime(2024, 10, 26, tzinfo=UTC), 25, "clocks went back", 9),
    ],
)
def test_a_day_on_which_clocks_change(tmp_path: Path, start: datetime, hours: int, text: str, marks: int) -> None:
    labelled = labelled_week(days=2.5, start=start, smoothed=False)
    page = written(tmp_path / "report.html", labelled)
    assert f"{hours} hours: {text}" in page.text
    begins, ends = rows_of(page)["days"][1]
    assert ends - begins == hours * 3_600_000
    day = [attributes for _, attributes in page.elements if attributes.get("class") == "day"][1]
    assert (day["data-from"], day["data-to"]) == (str(begins), str(ends))
    noon = begins + (12 - (24 - hours)) * 3_600_000
    offset = [ahead for moment, ahead in rows_of(page)["offsets"] if moment <= noon][-1]
    assert (noon + offset) % 86_400_000 == 12 * 3_600_000
    assert f"left:{100 * (12 - (24 - hours)) / hours:.3f}%" in page.html


def test_names_that_are_html_stay_names(tmp_path: Path) -> None:
    labelled = small(subject=EVIL, labels=(EVIL, "walking"), source=EVIL)
    quality = replace(PLAIN_QUALITY, file=EVIL, notes=(EVIL,), dropped={EVIL: 3}, calibration=not_applied(EVIL))
    page = written(tmp_path / "report.html", labelled, quality=quality, model_card=(EVIL, EVIL, EVIL))
    usual = written(tmp_path / "usual.html", small(), quality=replace(quality, file="x", notes=("x",)))
    assert len(page.scripts) == len(usual.scripts)
    assert not [tag for tag, attributes in page.elements if tag == "img" or "onerror" in attributes]
    assert page.text.count(EVIL) > 10
    assert rows_of(page)["labels"][0] == EVIL


def test_long_lists_of_bouts_are_cut_and_say_so(tmp_path: Path) -> None:
    many = 4000
    second = 10**9
    start = pl.Series(np.arange(many) * 2 * second).cast(pl.Datetime("ns", "UTC"))
    seconds = np.where(np.arange(many) % 4 == 0, 1.5, 1.0)
    bouts = pl.DataFrame(
        {
            "start": start,
            "end": start + pl.Series((seconds * second).astype(np.int64)).cast(pl.Duration("ns")),
            "label": ["sitting"] * many,
            "seconds": seconds,
            "mean_probability": [0.9] * many,
            "activity_mg": pl.Series([None] * many, dtype=pl.Float32),
        }
    )
    page = written(tmp_path / "report.html", small(end_ns=3 * 3600 * second), bouts=bouts)
    assert sum("data-s" in attributes for _, attributes in page.elements) == many // 4
    assert "Of 4,000 bouts the 1,000 that last longer than 1 s are listed" in page.text


def test_a_bout_is_as_long_as_the_time_with_its_label(tmp_path: Path) -> None:
    """The hours of a label and its bouts agree. The table of bouts counts a gap that a bout bridges."""
    found = timeline(946_684_800, [30.0, 60.0, 66.0, 600.0], ["walking", "gap", "walking", "sitting"])
    page = written(tmp_path / "report.html", found)
    assert found.bouts().filter(label="walking")["seconds"].to_list() == [156.0]
    assert [attributes["data-s"] for _, attributes in page.elements if "data-s" in attributes] == ["96", "600"]


def test_what_no_page_can_be_made_of_is_refused_in_words(tmp_path: Path) -> None:
    labelled = small()
    only_a_gap = timeline(0, [600.0], ["gap"])
    for empty in (replace(labelled, frame=labelled.frame.clear()), only_a_gap):
        with pytest.raises(HarkenError, match="no report can be made of 0 rows with samples and 2 labels"):
            written(tmp_path / "report.html", empty)
    assert not (tmp_path / "report.html").exists()


def test_a_week_is_one_file_under_3_mb_that_asks_for_nothing_and_runs_only_its_scripts(
    week_page: Path, page: ReportPage
) -> None:
    assert week_page.stat().st_size < 3_000_000
    asking = {"src", "href", "srcset", "data", "poster", "action"}
    assert not [tag for tag, attributes in page.elements if tag == "link" or asking & attributes.keys()]
    style = re.findall(r"url\(([^)]*)\)", week_page.read_text(encoding="utf-8"))
    assert all(address.startswith("#p-") for address in style)
    policy = next(a["content"] or "" for tag, a in page.elements if tag == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy.split("script-src")[1]
    for script in page.scripts[1:]:
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert "At night, harken labels a still arm as lying more readily." in page.text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"limits": (Limit(LimitKind.NIGHTS, hours=6.5, lying_hours=3.0),)},
            "6.5 h between 23:00 and 6:00 (all nights together) are",
        ),
        ({"limits": (Limit(LimitKind.BUSY_HANDS, hours=12.25),)}, "12.2 h are labelled other."),
        (
            {"limits": (Limit(LimitKind.LITTLE_WALKING, hours=0.0, of_hours=2.0),)},
            "No walking was found in 2 h worn.",
        ),
        (
            {"limits": (Limit(LimitKind.LITTLE_WALKING, hours=0.01, of_hours=2.0),)},
            "36 s of walking were found in 2 h worn.",
        ),
        (
            {"limits": (Limit(LimitKind.FEW_VALID_DAYS, of_hours=10.5, days=1),)},
            "Only one day was worn for 10.5 hours or more.",
        ),
        (
            {"limits": (Limit(LimitKind.FEW_VALID_DAYS, of_hours=10.0, days=0),)},
            "No day was worn for 10 hours",
        ),
        ({"made_up": True}, "This wearer was simulated by harken simulate"),
        ({"placement": Placement.THIGH}, "worn on the thigh, not on a wrist"),
        ({"orientation": UNKNOWN}, UNKNOWN.warning),
    ],
)
def test_what_must_be_known_first_stands_before_the_days(tmp_path: Path, given: dict[str, Any], words: str) -> None:
    labelled = small(end_ns=8 * QUARTER)
    page = written(tmp_path / "report.html", labelled, quality=replace(PLAIN_QUALITY, **given))
    before, heading, _ = page.text.partition("Day by day")
    assert heading
    assert words in before
    # Sleep periods influence only smoothed labels, and these are not.
    assert "a still arm" not in page.text


def test_the_quality_is_a_table_in_which_what_is_bad_is_marked(tmp_path: Path) -> None:
    page = written(tmp_path / "report.html", small(), quality=replace(PLAIN_QUALITY, rows=1000, stuck=25))
    assert [attributes.get("class") for _, attributes in page.elements].count("heed") == 1
    assert "25 samples, marked and not used more than 1 % of the samples" in page.text
    assert "Calibration" not in page.text
    assert "Where the labels may be wrong" not in page.text


QUARTER = 15 * 60 * 10**9


@pytest.mark.parametrize(
    ("changes", "there", "not_there"),
    [
        (
            {"end_ns": 8 * QUARTER},
            ["As if the watch had been worn all day Not computed: the missing parts"],
            ["A dash:"],
        ),
        (
            {"end_ns": 96 * QUARTER},
            [
                "Thursday 1 January 0:15 sitting 23:45 walking Hours and minutes, on the only day that was worn for 16",
                "A dash means that no other day has data for a missing part.",
            ],
            ["An average day", "On average", "Not computed"],
        ),
        ({"end_ns": 192 * QUARTER}, ["An average day 0:08 sitting 23:52 walking", "On average"], []),
        ({"wear": np.array([False, False]), "activity_mg": None}, ["not worn"], ["An average day"]),
    ],
)
def test_hours_of_no_day_one_day_and_two(
    tmp_path: Path, changes: dict[str, Any], there: list[str], not_there: list[str]
) -> None:
    page = written(tmp_path / "report.html", small(**changes)).text
    assert [words for words in there if words not in page] == []
    assert [words for words in not_there if words in page] == []


def test_a_recording_of_minutes_has_minutes_and_seconds_and_no_day(tmp_path: Path) -> None:
    """It begins with the picture of its own time. Without scripts and on paper, a strip of this time stands for it."""
    found = timeline(
        946_684_830, [27.0, 120.0, 96.0], ["walking", "gap", "sitting"], activity_mg=[200, np.nan, 10], timezone="UTC"
    )
    page = written(tmp_path / "report.html", found, quality=replace(PLAIN_QUALITY, wear_hours=0.05, non_wear_hours=0.0))
    for words in ("Minutes and seconds", "1 min 36 s", "27 s", "Worn 3 min; not worn 0 s"):
        assert words in page.text
    for words in ("Day by day", "Hours and minutes", "otherwise awake", "not recorded Sat", "worn all day"):
        assert words not in page.text
    first, second = (f'<section class="{name}"' for name in ("zoom", "days short"))
    assert page.html.index(first) < page.html.index(second)
    assert re.findall(r"<span style=.*?>(\d\d:\d\d)</span>", page.html) == [f"00:0{minute}" for minute in range(6)]


def test_a_recording_of_an_hour_has_days(tmp_path: Path) -> None:
    page = written(tmp_path / "report.html", small(end_ns=4 * QUARTER))
    assert "Day by day" in page.text
    assert "0:15" in page.text


def test_a_label_of_the_model_called_unsure_is_a_label(tmp_path: Path) -> None:
    page = written(tmp_path / "report.html", small(labels=("unsure", "walking")))
    assert rows_of(page)["labels"] == ["unsure", "walking"]
    assert ".k0 {" in page.html
