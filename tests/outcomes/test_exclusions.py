"""What a table of exclusions says, and how a broken one is refused with its line."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from harken.outcomes.exclusions import read_exclusions, with_excluded, without_effect
from harken.support.errors import HarkenError

NINTH = date(2024, 3, 9)


def write(folder: Path, text: str) -> Path:
    path = folder / "exclude.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_people_days_and_nights_are_excluded_for_one_or_more_reasons(tmp_path: Path) -> None:
    text = (
        "Subject;Reason;Night;Day\nanna;withdrew;;\nbert;ill;;2024-03-09\nbert;lent the watch;;2024-03-09\n"
        "bert;flight;2024-03-09;\nanna;no consent;;\n"
    )
    found = read_exclusions(write(tmp_path, text))
    assert (found["anna"].person, found["anna"].days, found["anna"].nights) == ("withdrew; no consent", {}, {})
    assert found["bert"].person is None
    table = pl.DataFrame({"date": [NINTH, date(2024, 3, 10), NINTH], "counts": [True, True, False]})
    of_days = with_excluded(table, found["bert"].days, counts="counts")
    assert of_days["excluded"].to_list() == ["ill; lent the watch", None, "ill; lent the watch"]
    assert of_days["counts"].to_list() == [False, True, False]
    assert with_excluded(table, found["bert"].nights, counts="counts")["excluded"].to_list() == [
        "flight",
        None,
        "flight",
    ]
    assert with_excluded(table, {}, counts="counts").select("date", "counts").equals(table)


def test_what_the_study_does_not_have_is_named(tmp_path: Path) -> None:
    text = "subject,reason,day,night\nanna,a,,\nbert,b,2024-03-09,2024-03-09\ncarl,c,2024-03-09,\ndora,d,,2024-03-09\n"
    found = read_exclusions(write(tmp_path, text))
    days = {"bert": [NINTH], "carl": [date(2024, 3, 8)], "dora": [NINTH]}
    assert list(without_effect(found, days, {"dora": [NINTH]})) == [
        "nobody is called anna",
        "bert has no night 2024-03-09",
        "carl has no day 2024-03-09",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("subject,day\nanna,2024-03-09\n", "line 1: there is no column reason; a table of exclusions needs subject, r"),
        (
            "subject,reason,date\nanna,ill,2024-03-09\n",
            "line 1: a table of exclusions has no column 'date'; it has subj",
        ),
        ("subject,reason\nanna,ill\n,ill\n", "line 3: the subject is missing"),
        ("subject,reason\nanna,\n", "line 2: the reason is missing"),
        ("subject,reason,day\nanna,ill,9.3.2024\n", "line 2: '9.3.2024' is not a date such as 2024-03-30"),
    ],
)
def test_a_broken_table_is_refused_with_its_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(HarkenError, match=r"exclude\.csv") as refused:
        read_exclusions(write(tmp_path, text))
    assert reason in str(refused.value)
