"""The page of ``compare_recipes``: what each recipe loses on left-out studies, label by label, run beside run.

    python -m benchmarks.recognition.compare_recipes_page

It reads ``docs/results/compare_recipes.json`` and writes ``compare_recipes.md`` beside it. It computes no score.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.command import RESULTS, filled_page
from benchmarks.recognition.studies_page import in_markdown
from benchmarks.studies.data_sets import MAIN_STUDIES
from harken.evaluation.benchmark.page import TextTable, number_text
from harken.support.files import write_text
from harken.support.printable import listed, percent

NAME = "compare_recipes"
EMPTY_PLACES = re.compile(r"\n{3,}")
"""Where there is no table."""
ENDS = {"right": "right end", "unknown": "end unknown", "wrong": "end wrong"}
CLIPS = {"whole": "one activity", "middle": "mixed: middle window", "mean": "mixed: mean of windows"}
OF_PERSON = {"mean_f1": "mean F1", "accuracy": "accuracy"}
MOVEMENTS = ("walking", "stairs", "running", "cycling")
HANDS = {
    "sitting": "calm sitting",
    "standing": "calm standing",
    "sitting with busy hands": "sitting with busy hands",
    "standing with busy hands": "standing with busy hands",
}
Result = Mapping[str, Any]


class Score(NamedTuple):
    """A score in the result, where it is the list of these numbers, without those that are None at its end.

    Attributes:
        mean: over people.
        change: the mean over people of the change from a base; None if the score is that of the base.
        low, high: the 95 % interval of the change over people; None for fewer than five people.
    """

    mean: float
    change: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def is_worse(self) -> bool:
        """Whether the whole interval of the change lies below 0."""
        return self.high is not None and self.high < 0

    def list_numbers(self) -> list[float | None]:
        """Return the numbers for JSON, as far as there are any."""
        numbers = list(self)
        while numbers[-1] is None:
            numbers.pop()
        return numbers


class Row(NamedTuple):
    """A score in the tables: of a study, in the words of the page, and where it is in a summary."""

    study: str
    words: str
    kind: str
    name: str


def page(result: Result) -> str:
    """The page in Markdown; ``compare_recipes_page.md`` is its text."""
    made = result["made_with"]
    tables = {}
    for place, make in TABLES.items():
        tables[place] = "\n\n".join(in_markdown(table) for table in make(result) if table.rows)
    text = filled_page(
        __file__,
        command=result["command"],
        commit=str(made["git_commit"])[:7],
        processor=made["machine"]["processor"],
        most_windows=result["most_windows"],
        runs=" ".join(_run_text(name, run) for name, run in result["runs"].items()),
        short="\n".join(_short_text(name, run) for name, run in result["runs"].items()),
        **tables,
    )
    return EMPTY_PLACES.sub("\n\n", text)


def _run_text(name: str, run: Mapping[str, Any]) -> str:
    seed = "" if run["seed"] is None else f", seed {run['seed']}"
    missing = f" It has no scores on {listed(run['missing'])}." if run["missing"] else ""
    return f"`{name}` is the preset `{run['preset']}` as it was when it was trained{seed}.{missing}"


def _short_text(name: str, run: Mapping[str, Any]) -> str:
    """Which labels of a run lose most, in one item of a list."""
    sentences = []
    for end, place in (("unknown", "an unknown end"), ("wrong", "a wrong end")):
        label = _worst_label(run, end)
        if label is not None:
            sentences.append(f"With {place} of x, recall falls most in {label}.")
    calm = []
    for study, found in run["studies"].items():
        busy = found["ends"]["right"]["busy"].get("sitting")
        if busy is not None:
            calm.append(f"{percent(Score(*busy).mean)} in {study}")
    if calm:
        sentences.append(f"Windows of calm sitting that are wrongly called busy: {listed(calm)}.")
    return f"- `{name}`: {' '.join(sentences) or 'no label loses more than the interval over people.'}"


def _worst_label(run: Mapping[str, Any], end: str) -> str | None:
    """The label and study whose recall falls most by more than its interval; None without any."""
    falls = {}
    for study, found in run["studies"].items():
        for label, numbers in found["ends"][end]["recall"].items():
            score = Score(*numbers)
            if score.change is not None and score.is_worse:
                falls[f"{label} of {study} ({score.change:+.3f})"] = score.change
    return min(falls, key=lambda words: falls[words]) if falls else None


def _cell(score: Score | None, *, marked: bool = True) -> str:
    """A score; beside a base with its change, in bold where it is worse by more than the interval."""
    if score is None:
        return "–"
    text = number_text(score.mean)
    if score.change is None:
        return text
    text += f" ({score.change:+.3f})"
    return f"**{text}**" if marked and score.is_worse else text


def _find(conditions: Mapping[str, Any], condition: str, row: Row) -> Score | None:
    numbers = conditions.get(condition, {}).get(row.kind, {}).get(row.name)
    return None if numbers is None else Score(*numbers)


def _rows(result: Result, part: str, kinds: Sequence[str]) -> Iterator[Row]:
    """The scores that a run has in a part, study by study, in the order of the studies and kinds."""
    for study in result["studies"]:
        every: dict[Row, None] = {}
        for run in result["runs"].values():
            conditions = run["studies"].get(study, {}).get(part, {})
            for kind in kinds:
                for scores in conditions.values():
                    every |= {Row(study, _words(kind, name), kind, name): None for name in scores.get(kind, {})}
        yield from sorted(every, key=lambda row: kinds.index(row.kind))


def _words(kind: str, name: str) -> str:
    if kind == "groups":
        return f"{name.replace('_', ' ')}, F1"
    return {"person": OF_PERSON, "busy": HANDS}.get(kind, {}).get(name, name)


def _of_conditions(
    result: Result, part: str, kinds: Sequence[str], conditions: Mapping[str, str], title: str, note: str
) -> TextTable:
    """A table with a column for each condition, and a row for each score and run."""
    several = len(result["runs"]) > 1
    rows = []
    for row in _rows(result, part, kinds):
        for name, run in result["runs"].items():
            found = run["studies"].get(row.study, {}).get(part, {})
            cells = [_cell(_find(found, condition, row), marked=row.kind != "busy") for condition in conditions]
            if {*cells} != {"–"}:
                rows.append((row.study, row.words, *([name] if several else []), *cells))
    head = ("study", "score", *(["run"] if several else []), *conditions.values())
    return TextTable(title, head, rows, note)


def _main(result: Result) -> list[TextTable]:
    rates = {f"{rate_hz:g}": f"{rate_hz:g} Hz" for rate_hz in sorted(result["rates_hz"], reverse=True)}
    clips = {name: f"clips, {words}" for name, words in CLIPS.items()}
    mains = {name: run["main"] for name, run in result["runs"].items()}
    if not any(mains.values()):
        return []
    rows = []
    for part, conditions in (("ends", ENDS), ("clips", clips), ("rates", rates)):
        for condition, words in conditions.items():
            cells = ["–" if main is None else _main_cell(Score(*main[part][condition])) for main in mains.values()]
            rows.append((words, *cells))
    note = (
        f"The plain mean over {listed(MAIN_STUDIES)} of the mean F1 of a person. In brackets: the change from the "
        f"right end at the own rate; that of mixed clips is from clips of one activity. {BOLD}"
    )
    return [TextTable("The main score", ("condition", *mains), rows, note)]


def _main_cell(score: Score) -> str:
    if score.change == 0:
        return number_text(score.mean)
    return _cell(score)


def _beside(result: Result) -> list[TextTable]:
    """Each score of the right end, run beside run."""
    runs = result["runs"]
    first = next(iter(runs))
    if len(runs) == 1:
        return []
    rows: list[tuple[str, ...]] = []
    for row in _rows(result, "ends", ("person", "groups", "recall")):
        cells = [_cell(_find(runs[first]["studies"].get(row.study, {}).get("ends", {}), "right", row))]
        for name in list(runs)[1:]:
            compared = result["against_first"][name]["studies"]
            own = _find(runs[name]["studies"].get(row.study, {}).get("ends", {}), "right", row)
            cells.append(_cell(_find(compared, row.study, row) or own))
        rows.append((row.study, row.words, *cells))
    mains = [runs[first]["main"], *(result["against_first"][name]["main"] for name in list(runs)[1:])]
    if all(mains):
        score, *changed = mains
        cells = [_cell(Score(*numbers)) for numbers in changed]
        rows.insert(0, ("all three", "main score", number_text(Score(*score["ends"]["right"]).mean), *cells))
    note = f"With x to the elbow. In brackets: the change from `{first}`. {BOLD}"
    return [TextTable("Each label, run beside run: recall", ("study", "score", *runs), rows, note)]


def _ends(result: Result) -> list[TextTable]:
    recall = "Recall, where nothing else is said. "
    title = "What the end of x costs"
    return [
        _of_conditions(result, "ends", ("person", "groups", "recall"), ENDS, title, recall + CHANGES),
        _of_conditions(result, "ends", ("f1",), ENDS, "The same: F1 of each label", CHANGES),
    ]


def _busy(result: Result) -> list[TextTable]:
    note = (
        "Busy hands are said, as by harken label, where the label is sitting or standing and the hands are busy with a "
        "probability of at least 0.5. Only activities whose posture and hands are documented. The share should be 0.1 "
        "or less in calm sitting and standing, and near 1 elsewhere. In brackets: the change from the right end."
    )
    return [_of_conditions(result, "ends", ("busy",), ENDS, "Windows of which busy hands are said", note)]


def _clips(result: Result) -> list[TextTable]:
    note = "Recall, where nothing else is said. " + CHANGES
    return [_of_conditions(result, "clips", ("person", "recall"), CLIPS, "Clips of 15 s", note)]


def _rates(result: Result) -> list[TextTable]:
    several = len(result["runs"]) > 1
    rates = [f"{rate_hz:g}" for rate_hz in sorted(result["rates_hz"], reverse=True)]
    rows = []
    for row in _rows(result, "ends", ("person", "recall")):
        if row.kind == "recall" and row.name not in MOVEMENTS:
            continue
        for name, run in result["runs"].items():
            if row.study not in run["studies"]:
                continue
            found = run["studies"][row.study]
            own = _find(found["ends"], "right", row)
            cells = [_cell(own), *(_cell(_find(found["rates"], rate, row)) for rate in rates)]
            own_hz = f"{result['studies'][row.study]['sample_rate_hz']:g}"
            rows.append((row.study, row.words, *([name] if several else []), own_hz, *cells))
    head = ("study", "score", *(["run"] if several else []), "own Hz", "at the own rate")
    note = f"A dash: the study's own rate is not higher, so it is as at the own rate. {CHANGES}"
    columns = (*head, *(f"{rate} Hz" for rate in rates))
    return [TextTable("Slower watches: mean F1, accuracy, and recall of movements", columns, rows, note)]


def _studies(result: Result) -> list[TextTable]:
    rows = []
    for study, facts in result["studies"].items():
        numbers = [f"{facts[name]:g}" for name in ("people", "recordings", "end_shown", "turned", "sample_rate_hz")]
        rows.append((study, *numbers))
    head = ("study", "people", "recordings", "end shown by walking", "of these turned", "Hz")
    return [TextTable("The left-out studies", head, rows)]


BOLD = "In bold: the 95 % interval of the change over people lies below 0 (none for fewer than five people)."
CHANGES = f"In brackets: the change from the first column, each person compared with themselves. {BOLD}"
TABLES = {
    "main": _main,
    "beside": _beside,
    "ends": _ends,
    "busy": _busy,
    "clips": _clips,
    "rates": _rates,
    "studies": _studies,
}
"""The tables by their place in the page."""


def main() -> None:
    """Write the page."""
    result = json.loads((RESULTS / f"{NAME}.json").read_text(encoding="utf-8"))
    write_text(RESULTS / f"{NAME}.md", page(result))


if __name__ == "__main__":
    main()
