"""The packaged model's card, made from ``docs/results/packaged_model.json`` and the facts about the data sets.

``packaged_model_card.md`` is the page without its tables and numbers.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.command import filled_page
from benchmarks.model.left_out_studies import SCORED_STUDIES
from benchmarks.recognition.studies_page import in_markdown
from benchmarks.studies.data_sets import MAIN_STUDIES, NINE_STUDIES, find_study
from harken.evaluation.benchmark.page import TextTable, interval_text, number_text
from harken.reports.caveats import STUDY_NAMES
from harken.windows.known_labels import GROUPS

NAMES = {study: STUDY_NAMES.get(study, study.upper()) for study in NINE_STUDIES}
FOREST, RULE = "random_forest", "sedentary_sphere"
LEFT_OUT, AS_TURNED, NEW = "study left out", "as `harken label` turns the watch", "new people"
BASELINES = {"Sedentary Sphere": RULE, "random forest": FOREST}
"""The columns of scores in the tables; the first three are those of the recipe."""
Studies = Mapping[str, Mapping[str, Any]]
"""Study -> the scores of its people."""


def card(result: Mapping[str, Any]) -> str:
    """The whole page."""
    left_out, model, preset = result["left_out"], result["model"], result["settings"]["preset"]
    calibration, reads = left_out["calibration"], model["specification"]
    hands, calm_hands = (_left_out(result)[study]["known"]["hands"] for study in ("wisdm", "selfback"))
    *labels, last = reads["labels"]
    tables = {name: in_markdown(made(result)) for name, made in TABLES.items()}
    return filled_page(
        __file__,
        **tables,
        confusions="\n\n".join(_confusion(result, study) for study in MAIN_STUDIES),
        window_s=preset["window_length"] / preset["sample_rate_hz"],
        labels=f"{', '.join(labels)} or {last}",
        people=sum(model["training_people"][study] for study in SCORED_STUDIES),
        studies=len(SCORED_STUDIES),
        score=left_out["methods"][left_out["preset"]]["main_score"],
        new_people=result["new_people"],
        folds=len(result["new_people"]["fold_seconds"]),
        temperature=calibration["temperature"],
        errors="; ".join(_error(NAMES[study], calibration["studies"][study]) for study in MAIN_STUDIES),
        posture=f"{100 * hands['posture']['mean']:.0f}",
        busy=f"{100 * hands['busy']['mean']:.0f}",
        calm=f"{100 - 100 * calm_hands['calm']['mean']:.0f}",
        scheme=result["settings"]["label_scheme"]["name"],
        data="\n".join(_data(result, study) for study in NINE_STUDIES),
        model=model,
        reads=reads,
        channels=", ".join(reads["channels"]),
        counts=", ".join(f"{label} {count:,}" for label, count in model["training_windows_by_label"].items()),
        examples=sum(model["examples"].values()),
        examples_by_label=", ".join(f"{label} {count}" for label, count in model["examples"].items()),
        commands="\n".join(f"$ {command}" for command in result["commands"]),
        commit=result["commit"],
        versions=", ".join(f"{name} {number}" for name, number in result["versions"].items()),
    )


def _left_out(result: Mapping[str, Any], method: str | None = None) -> Studies:
    """What was found of each study that was left out of training, by the recipe or by a baseline."""
    left_out = result["left_out"]
    studies: Studies = left_out["methods"][method or left_out["preset"]]["studies"]
    return studies


def _columns(result: Mapping[str, Any], *names: str) -> dict[str, Studies]:
    """The scores in these columns of a table."""
    columns: dict[str, Studies] = {NEW: result["new_people"]["studies"]}
    for name, mounting in ((LEFT_OUT, "known"), (AS_TURNED, "found"), *((name, "known") for name in BASELINES)):
        studies = _left_out(result, BASELINES.get(name))
        columns[name] = {study: one[mounting] for study, one in studies.items()}
    return {name: columns[name] for name in names}


def _first_bold(cells: Iterable[str]) -> tuple[str, ...]:
    first, *others = cells
    return (f"**{first}**", *others)


def _main(result: Mapping[str, Any]) -> TextTable:
    columns = _columns(result, LEFT_OUT, AS_TURNED, "random forest", NEW)
    people = {study: _left_out(result)[study]["people"] for study in MAIN_STUDIES}
    rows = []
    for study in MAIN_STUDIES:
        scores = [of[study] for of in columns.values()]
        cells = [f"{one['mean_f1']:.3f} ({interval_text(one['interval'])})" for one in scores]
        rows.append((NAMES[study], str(people[study]), *_first_bold(cells)))
    left_out = result["left_out"]
    ours, forest = (left_out["methods"][name]["main_score"] for name in (left_out["preset"], FOREST))
    means = (ours["known"], ours["found"], forest["known"], result["new_people"]["main_score"])
    rows.append(("mean of the three", str(sum(people.values())), *_first_bold(map(number_text, means))))
    gain = left_out["differences"][FOREST]
    return TextTable(
        "Mean F1 of a person",
        ("study", "people", *columns),
        rows,
        "Bold: what to expect of a new watch. In brackets: the 95 % interval over people. With a study left out, the "
        "recipe gains "
        f"{gain['main_score']:+.3f} on the random forest ({interval_text(gain['main_score_interval'], sign='+')}), "
        "each person compared with themselves.",
    )


def _recalls(result: Mapping[str, Any]) -> TextTable:
    columns, ours = _columns(result, LEFT_OUT, AS_TURNED, "random forest", NEW), _left_out(result)
    rows = []
    for study in SCORED_STUDIES[len(MAIN_STUDIES) :]:
        for label in columns[LEFT_OUT][study]["recall"]:
            cells = [number_text(of[study]["recall"].get(label)) for of in columns.values()]
            rows.append((NAMES[study], str(ours[study]["people"]), label, *_first_bold(cells)))
    heads = ("study", "people", "label", *columns)
    return TextTable("Recall in studies of few labels", heads, rows, "The mean over people.")


def _groups(result: Mapping[str, Any]) -> TextTable:
    columns = _columns(result, LEFT_OUT, *BASELINES, NEW)
    rows = []
    for study in SCORED_STUDIES:
        for group, interval in columns[LEFT_OUT][study]["group_intervals"].items():
            first, *others = (number_text(of[study]["groups"].get(group)) for of in columns.values())
            rows.append((NAMES[study], group.replace("_", " "), f"**{first}** ({interval_text(interval)})", *others))
    members = "; ".join(f"{group.replace('_', ' ')}: {', '.join(names)}" for group, names in GROUPS.items())
    return TextTable(
        "F1 of each group of labels, the mean over people",
        ("study", "group", *columns),
        rows,
        f"{members.capitalize()}. Taking one label of a group for another is no mistake here. The [Sedentary "
        "Sphere](benchmark.md) is the published rule for a wrist; it knows the axis of the forearm, as the "
        "models do here. [Reports](report.md#what-leads) lead with groups and labels whose F1, as the mean of WISDM, "
        "DSADS and selfBACK, is 0.7 or more.",
    )


def _hands(result: Mapping[str, Any]) -> TextTable:
    columns, names = _columns(result, LEFT_OUT, NEW), ("posture", "busy", "calm")
    rows = []
    for study in SCORED_STUDIES:
        hands = [of[study]["hands"] for of in columns.values()]
        if any(hands):
            cells = [number_text(of[name]["mean"] if name in of else None) for name in names for of in hands]
            rows.append((NAMES[study], *cells))
    return TextTable(
        "Busy hands",
        ("study", *(f"{what}: {who}" for what in names for who in columns)),
        rows,
        "Posture: the share of windows with busy hands in which the right one of sitting and standing is more "
        "probable. Busy: the share of windows with busy hands that are found so. Calm: the share of windows with calm "
        "hands that are found so. Each is the mean over people. Hands are found busy, as by `harken label`, where the "
        "label is sitting or standing and busy hands have a probability of at least 0.5.",
    )


def _labels(result: Mapping[str, Any]) -> TextTable:
    columns = _columns(result, LEFT_OUT, "random forest", NEW)
    rows = [
        (NAMES[study], label, *(number_text(of[study]["f1"].get(label)) for of in columns.values()))
        for study in MAIN_STUDIES
        for label in dict.fromkeys((*columns[LEFT_OUT][study]["f1"], *columns[NEW][study]["f1"]))
    ]
    return TextTable(
        "F1 of each label, the mean over people",
        ("study", "label", *columns),
        rows,
        "Windows of `other` count against the label that they get: the tables below show how many are called walking.",
    )


def _confusion(result: Mapping[str, Any], study: str) -> str:
    labels = result["model"]["specification"]["labels"]
    rows = [
        (truth, *(f"{100 * row.get(label, 0) / sum(row.values()):.0f}" for label in labels))
        for truth, row in _left_out(result)[study]["confusion"].items()
    ]
    title = f"{NAMES[study]}, left out: labels in percent of the windows of each true label"
    return in_markdown(TextTable(title, ("true label", *labels), rows))


def _error(name: str, study: Mapping[str, float]) -> str:
    raw = study["expected_calibration_error_uncalibrated"]
    return f"{name} {study['expected_calibration_error']:.3f} ({raw:.3f} without a temperature)"


def _unsure(result: Mapping[str, Any]) -> TextTable:
    studies = result["left_out"]["calibration"]["studies"]
    rows = []
    for limits in zip(*(studies[study]["unsure_below"] for study in MAIN_STUDIES), strict=True):
        shares = [one[name] for one in limits for name in ("coverage", "accuracy")]
        rows.append((f"{limits[0]['limit']:g}", *("–" if share is None else f"{share:.1%}" for share in shares)))
    columns = [f"{NAMES[study]}: {what}" for study in MAIN_STUDIES for what in ("labelled", "right of these")]
    return TextTable("Windows of left-out studies that keep a label", ("unsure below", *columns), rows)


def _activities(result: Mapping[str, Any]) -> TextTable:
    """Which activities of which study were trained as which label."""
    of_label: dict[str, dict[str, list[str]]] = {}
    for study, names in result["activities"].items():
        for activity, label in names.items():
            of_label.setdefault(label, {}).setdefault(study, []).append(activity.replace("_", " "))
    order = result["settings"]["label_scheme"]["labels"]
    rows = [
        (label, "; ".join(f"{NAMES[study]}: {', '.join(each)}" for study, each in of_label[label].items()))
        for label in (*filter(of_label.__contains__, order), *sorted(set(of_label) - set(order)))
    ]
    return TextTable("Labels and the activities of the studies", ("label", "activities"), rows)


def _data(result: Mapping[str, Any], study: str) -> str:
    info, people, ours = find_study(study).info, result["model"]["training_people"][study], _left_out(result)
    wearers = f"{people} people, {ours[study]['windows']:,} windows" if study in ours else "Unknown wearers"
    return (
        f"- **{NAMES[study]}**: {info.title} ({info.placement}; {info.sample_rate_hz:g} Hz). {wearers}. "
        f"Licence: {info.licence}. {info.citation}."
    )


TABLES = {
    "main": _main,
    "recalls": _recalls,
    "groups": _groups,
    "busy_hands": _hands,
    "of_labels": _labels,
    "unsure": _unsure,
    "activities": _activities,
}
"""The tables by their place in the page."""
