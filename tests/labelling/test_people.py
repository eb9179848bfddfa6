"""The table of people: whose a recording is, which cut-points an age gets, and that a kept table stays what it was."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import people
from harken.labelling.people import StudyPerson, keep_people, match_people, read_kept_people, read_people
from harken.labelling.settings import LabelSettings
from harken.outcomes.rules import PUBLISHED, CutPoints, Rules
from harken.support.errors import HarkenError

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
ROWS = st.builds(
    StudyPerson,
    name=WORDS,
    group=st.just("") | WORDS,
    site=st.just("") | WORDS,
    age=st.none() | st.integers(0, 130).map(float),
    hand=st.sampled_from((None, "left", "right", "dominant", "non-dominant")),
    timezone=st.sampled_from((None, "Europe/Athens", "UTC")),
    forearm_axis=st.sampled_from((None, "x", "-x", "y", "-y")),
    cut_points=st.sampled_from((None, *PUBLISHED.values(), CutPoints.of("40,100,400"))),
    files=st.lists(WORDS.filter(lambda word: ";" not in word), max_size=3).map(tuple),
)


@settings(max_examples=15, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=5, unique_by=lambda row: row.name))
def test_a_kept_table_is_read_as_it_was(rows: list[StudyPerson]) -> None:
    with TemporaryDirectory() as folder:
        out, given_people = Path(folder), {row.name: row for row in rows}
        keep_people(out, given_people)
        assert read_kept_people(out) == given_people
        content = (out / "people.csv").read_bytes()
        keep_people(out, given_people)
        assert (out / "people.csv").read_bytes() == content
        first = rows[0]
        keep_people(out, {first.name: replace(first, site="elsewhere"), "another one": StudyPerson("another one")})
        assert read_kept_people(out) == {
            **given_people,
            first.name: replace(first, site="elsewhere"),
            "another one": StudyPerson("another one"),
        }


@pytest.mark.parametrize(
    ("years", "given_points", "expected"),
    [
        (6.9, "adults-geneactiv", "adults-geneactiv"),
        (7, "adults-geneactiv", "children-geneactiv"),
        (11.9, "adults-actigraph", "children-actigraph"),
        (12, "children-actigraph", "children-actigraph"),
        (20, "children-actigraph", "children-actigraph"),
        (21, "children-actigraph", "adults-actigraph"),
        (61.5, "children-geneactiv", "adults-geneactiv"),
        (62, "children-geneactiv", "children-geneactiv"),
        (9, "40,100,400", "40,100,400"),
    ],
)
def test_an_age_chooses_cut_points_that_were_validated_for_it(years: float, given_points: str, expected: str) -> None:
    rules = Rules(cut_points=CutPoints.of(given_points))
    assert StudyPerson("anna", age=years).change_rules(rules).cut_points.name == expected
    own = CutPoints.of("30,90,300")
    assert StudyPerson("anna", age=years, cut_points=own).change_rules(rules).cut_points is own


def test_a_row_names_files_with_or_without_folder_and_ending(tmp_path: Path) -> None:
    files = []
    for name in ("a/w1.csv", "b/w1.csv", "b/w2.csv.gz", "b/carla.csv", "b/dora_x.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        files.append(people.write_person(path, 1) if path.suffix == ".csv" else path)
    table = tmp_path / "people.csv"
    rows = "person,files\nanna,a/w1\nbert,b/w1.csv;w2;lost_*\ncarla,\ndora,b/dora_[wx].*\n"
    table.write_text(rows)
    matched = match_people(files, read_people(table), LabelSettings())
    assert [matched.by_file[path].name for path in files] == ["anna", "bert", "bert", "carla", "dora"]
    assert [(person.name, pattern) for person, pattern in matched.unused] == [("bert", "lost_*")]
    readings = [matched.by_file[path].change_settings(LabelSettings()).reading.subject for path in files]
    assert readings == ["anna", "bert", "bert", None, "dora"]
    table.write_text(rows + "emil,w1.csv\n")
    with pytest.raises(HarkenError, match=r"line 6: column files: .*w1.csv is a recording of emil here, but of anna"):
        match_people(files, read_people(table), LabelSettings())
