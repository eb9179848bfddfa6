"""A week that never happened, and the page made of it: made once for all the tests of a process."""

from pathlib import Path

import pytest

from harken.outcomes.outcomes import Outcomes
from harken.reports.wearer import write_wearer_report
from harken.timelines import Timeline
from wearers_week import MODEL_CARD, labelled_week, quality_of, tables_of


@pytest.fixture(scope="session")
def week() -> Timeline:
    """Seven days with a row every 5 seconds."""
    return labelled_week()


@pytest.fixture(scope="session")
def week_tables(week: Timeline) -> Outcomes:
    """The outcomes of that week."""
    return tables_of(week)


@pytest.fixture(scope="session")
def week_page(week: Timeline, week_tables: Outcomes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of that week."""
    path = tmp_path_factory.mktemp("week") / "report.html"
    write_wearer_report(path, week_tables, quality=quality_of(week), model_card=MODEL_CARD)
    return path
