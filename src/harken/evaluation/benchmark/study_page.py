"""The tables of a benchmark that leaves studies out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harken.evaluation.benchmark.studies import by_study
from harken.evaluation.benchmark.text_table import TextTable, interval_text, number_text
from harken.evaluation.protocols.studies import MAIN_STUDIES

FEW_LABELS = ("stress_predict", "hawthorne")
"""The studies whose recall is reported, because they have one or two labels."""
WORN = {"known": "known", "found": "as found"}


def study_tables(result: Mapping[str, Any]) -> list[TextTable]:
    """The scores of the studies, the gain of the preset, the labels, the sets of labels, and the folds."""
    return [_scores(result), _differences(result), _labels(result), _recalls(result), _sets(result), _folds(result)]


def _scores(result: Mapping[str, Any]) -> TextTable:
    rows = []
    for name, method in result["methods"].items():
        studies = by_study(method["folds"])
        for mounting, text in WORN.items():
            each = [studies.get(study, {}).get(mounting) for study in MAIN_STUDIES]
            if any(each):
                cells = [
                    "–" if one is None else f"{one['mean_f1']:.3f} ({interval_text(one['interval'])})" for one in each
                ]
                rows.append((name, text, number_text(method["main_score"][mounting]), *cells))
    return TextTable(
        "Mean F1 of people of a study that was left out of training",
        ("method", "mounting", "main score", *MAIN_STUDIES),
        rows,
        "The main score is the plain mean of the three studies. In brackets: the 95 % interval over people. Mounting "
        "known: x along the forearm as the study states it; as found: as the method finds it from walking.",
    )


def _differences(result: Mapping[str, Any]) -> TextTable:
    rows = []
    for name, one in result["differences"].items():
        studies = [one["studies"].get(study) for study in MAIN_STUDIES]
        cells = [
            "–" if each is None else f"{each['mean_f1']:+.3f} ({interval_text(each['interval'], sign='+')})"
            for each in studies
        ]
        main = one["main_score"]
        rows.append(
            (
                f"{result['preset']} minus {name}",
                "–" if main is None else f"{main:+.3f} ({interval_text(one['main_score_interval'], sign='+')})",
                *cells,
            )
        )
    return TextTable(
        "What the preset gains, each person compared with themselves", ("F1", "main score", *MAIN_STUDIES), rows
    )


def _labels(result: Mapping[str, Any]) -> TextTable:
    rows = _rows(result, MAIN_STUDIES, "f1")
    return TextTable("F1 of each label, the mean over people", ("study", "label", *result["methods"]), list(rows))


def _recalls(result: Mapping[str, Any]) -> TextTable:
    rows = _rows(result, FEW_LABELS, "recall")
    return TextTable("Recall in studies of few labels", ("study", "label", *result["methods"]), list(rows))


def _rows(result: Mapping[str, Any], studies: Sequence[str], what: str) -> Iterator[tuple[str, ...]]:
    """A row for each label of each study: the value of each method with the mounting known."""
    each = [by_study(method["folds"]) for method in result["methods"].values()]
    for study in studies:
        values = [one[study]["known"][what] if study in one else {} for one in each]
        for label in sorted({label for one in values for label in one}):
            yield study, label, *(number_text(one.get(label)) for one in values)


def _sets(result: Mapping[str, Any]) -> TextTable:
    each = [by_study(method["folds"]) for method in result["methods"].values()]
    shares = {
        study: [one[study]["known"]["allowed_share"] if study in one else None for one in each]
        for study in dict.fromkeys(study for one in each for study in one)
    }
    rows = [(study, *map(number_text, some)) for study, some in shares.items() if any(one is not None for one in some)]
    return TextTable(
        "Share of allowed answers where several labels are true",
        ("study", *result["methods"]),
        rows,
        "For example, people eat sitting or standing. These windows are left out of F1.",
    )


def _folds(result: Mapping[str, Any]) -> TextTable:
    first = next(iter(result["methods"].values()))["folds"]
    rows = [
        (fold, str(len(people["training"])), str(len(people["test"])), f"{first[fold]['training_windows']:,}")
        for fold, people in result["folds"].items()
    ]
    return TextTable("The folds", ("left out", "training people", "people tested", "training windows"), rows)
