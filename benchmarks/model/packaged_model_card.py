"""The packaged model's card, made from ``docs/results/packaged_model.json`` and the facts about the data sets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.model.left_out_studies import SCORED_STUDIES
from benchmarks.model.packaged_model_card_texts import FAILURES, HANDS, INTENDED, MOUNTING, NEW_PEOPLE, UNSEEN_STUDIES
from benchmarks.recognition.studies_page import in_markdown
from harken.datasets.registry import dataset
from harken.evaluation.benchmark.page import TextTable, interval_text, number_text
from harken.evaluation.protocols.studies import MAIN_STUDIES, NINE_STUDIES
from harken.outcomes.tables import GROUPS
from harken.reports.caveats import STUDY_NAMES

NAMES = {study: STUDY_NAMES.get(study, study.upper()) for study in NINE_STUDIES}
FOREST, RULE = "random_forest", "sedentary_sphere"
LEFT_OUT, AS_TURNED, NEW = "study left out", "as `harken label` turns the watch", "new people"
BASELINES = {"Sedentary Sphere": RULE, "random forest": FOREST}
"""The columns of scores in the tables; the first three are those of the recipe."""
Studies = Mapping[str, Mapping[str, Any]]
"""Study -> the scores of its people."""


def card(result: Mapping[str, Any]) -> str:
    """The whole page."""
    parts = [
        "# The packaged model",
        "<!-- Written by benchmarks/model/packaged_model.py from results/packaged_model.json: edit the script. -->",
        _summary(result),
        "## Scores",
        UNSEEN_STUDIES,
        *map(in_markdown, (_main(result), _recalls(result))),
        NEW_PEOPLE.format(folds=len(result["new_people"]["fold_seconds"])),
        *map(in_markdown, (_groups(result), _hands(result), _labels(result))),
        *map(in_markdown, _confusions(result)),
        "## Probabilities",
        _probabilities(result),
        in_markdown(_unsure(result)),
        INTENDED,
        MOUNTING,
        "## What the labels mean",
        _scheme(result),
        in_markdown(_activities(result)),
        FAILURES.format(hands=_busy_hands(result), window_s=f"{_window_s(result):g}"),
        "## Training data, licences and citations",
        _data(result),
        "## The file",
        _model(result),
        "## How to make it again",
        _repeat(result),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


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


def _summary(result: Mapping[str, Any]) -> str:
    left_out, labels = result["left_out"], result["model"]["specification"]["labels"]
    score = left_out["methods"][left_out["preset"]]["main_score"]
    people = sum(result["model"]["training_people"][study] for study in SCORED_STUDIES)
    return (
        f"It labels {_window_s(result):g} s of wrist acceleration as {', '.join(labels[:-1])} or {labels[-1]}, and was "
        f"trained on {people} people of {len(SCORED_STUDIES)} studies and on walks whose wearers are unknown (Pebble). "
        "Beside the label it says whether the hands are busy while sitting or standing. **On studies that models made "
        f"in the same way were not trained on, the mean F1 of a person is {score['known']:.3f}** "
        f"({score['found']:.3f} where the orientation of the watch is found from the recording), and "
        f"{result['new_people']['main_score']:.3f} on new people of the "
        "training studies. Each of these is the plain mean of WISDM, DSADS and selfBACK."
    )


def _scored(scores: Mapping[str, Any]) -> str:
    return f"{scores['mean_f1']:.3f} ({interval_text(scores['interval'])})"


def _main(result: Mapping[str, Any]) -> TextTable:
    columns = _columns(result, LEFT_OUT, AS_TURNED, "random forest", NEW)
    people = {study: _left_out(result)[study]["people"] for study in MAIN_STUDIES}
    rows = [
        (NAMES[study], str(people[study]), *_first_bold(_scored(of[study]) for of in columns.values()))
        for study in MAIN_STUDIES
    ]
    left_out = result["left_out"]
    ours, forest = (left_out["methods"][name]["main_score"] for name in (left_out["preset"], FOREST))
    means = (ours["known"], ours["found"], forest["known"], result["new_people"]["main_score"])
    rows.append(("mean of the three", str(sum(people.values())), *_first_bold(map(number_text, means))))
    return TextTable(
        "Mean F1 of a person",
        ("study", "people", *columns),
        rows,
        "In brackets: the 95 % interval over people. " + _gain(left_out),
    )


def _gain(left_out: Mapping[str, Any]) -> str:
    difference = left_out["differences"].get(FOREST)
    if difference is None or difference["main_score"] is None:
        return ""
    return (
        f"With a study left out, the recipe gains {difference['main_score']:+.3f} on the random forest "
        f"({interval_text(difference['main_score_interval'], sign='+')}), each person compared with themselves."
    )


def _recalls(result: Mapping[str, Any]) -> TextTable:
    columns = _columns(result, LEFT_OUT, AS_TURNED, "random forest", NEW)
    rows = [
        (
            NAMES[study],
            str(_left_out(result)[study]["people"]),
            label,
            *_first_bold(number_text(of[study]["recall"].get(label)) for of in columns.values()),
        )
        for study in SCORED_STUDIES
        if study not in MAIN_STUDIES
        for label in columns[LEFT_OUT][study]["recall"]
    ]
    heads = ("study", "people", "label", *columns)
    return TextTable("Recall in studies of few labels", heads, rows, "The mean over people.")


def _groups(result: Mapping[str, Any]) -> TextTable:
    columns = _columns(result, LEFT_OUT, *BASELINES, NEW)
    rows = []
    for study in SCORED_STUDIES:
        for group, interval in columns[LEFT_OUT][study]["group_intervals"].items():
            first, *others = (number_text(of[study]["groups"].get(group)) for of in columns.values())
            name = group.replace("_", " ")
            rows.append((NAMES[study], name, f"**{first}** ({interval_text(interval)})", *others))
    members = "; ".join(f"{group.replace('_', ' ')}: {', '.join(names)}" for group, names in GROUPS.items())
    return TextTable(
        "F1 of each group of labels, the mean over people",
        ("study", "group", *columns),
        rows,
        f"{members.capitalize()}. Confusion within a group is no mistake. The [Sedentary "
        "Sphere](benchmark.md) is the published rule for a wrist; it knows the axis of the forearm, as the "
        "models do here. [Reports](report.md#what-leads) lead with groups and labels whose F1, as the mean of WISDM, "
        "DSADS and selfBACK, is 0.7 or more.",
    )


def _hands(result: Mapping[str, Any]) -> TextTable:
    columns = _columns(result, LEFT_OUT, NEW)
    rows = []
    for study in SCORED_STUDIES:
        hands = [of[study]["hands"] for of in columns.values()]
        cells = [_mean(of.get(name)) for name in ("posture", "busy", "calm") for of in hands]
        if {*cells} != {number_text(None)}:
            rows.append((NAMES[study], *cells))
    return TextTable(
        "Busy hands",
        ("study", *(f"{what}: {who}" for what in ("posture", "busy", "calm") for who in columns)),
        rows,
        "Posture: the share of windows with busy hands in which the right one of sitting and standing is more "
        "probable. Busy: the share of windows with busy hands that are found so. Calm: the share of windows with calm "
        "hands that are found so. Each is the mean over people.",
    )


def _mean(score: Mapping[str, Any] | None) -> str:
    return number_text(None if score is None else score["mean"])


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


def _confusions(result: Mapping[str, Any]) -> Iterator[TextTable]:
    labels = result["model"]["specification"]["labels"]
    for study in MAIN_STUDIES:
        rows = [
            (truth, *(f"{100 * row.get(label, 0) / sum(row.values()):.0f}" for label in labels))
            for truth, row in _left_out(result)[study]["confusion"].items()
        ]
        title = f"{NAMES[study]}, left out: labels in percent of the windows of each true label"
        yield TextTable(title, ("true label", *labels), rows)


def _probabilities(result: Mapping[str, Any]) -> str:
    calibration = result["left_out"]["calibration"]
    errors = "; ".join(
        f"{NAMES[study]} {calibration['studies'][study]['expected_calibration_error']:.3f} "
        f"({calibration['studies'][study]['expected_calibration_error_uncalibrated']:.3f} without a temperature)"
        for study in MAIN_STUDIES
    )
    return (
        f"The temperature, {calibration['temperature']:.2f}, was fitted on studies that were left out of training: on "
        "the windows with a single true label, each predicted by the model that was trained without their study. "
        f"{', '.join(NAMES[study] for study in MAIN_STUDIES)} count equally. Expected calibration error of each, at "
        f"the temperature of the two others: {errors}. The table shows what `--unsure-below` does with "
        "`--no-smoothing`, in the same way:"
    )


def _unsure(result: Mapping[str, Any]) -> TextTable:
    studies = result["left_out"]["calibration"]["studies"]
    rows = []
    for limits in zip(*(studies[study]["unsure_below"] for study in MAIN_STUDIES), strict=True):
        cells = [
            cell
            for one in limits
            for cell in (f"{one['coverage']:.1%}", "–" if one["accuracy"] is None else f"{one['accuracy']:.1%}")
        ]
        rows.append((f"{limits[0]['limit']:g}", *cells))
    columns = [f"{NAMES[study]}: {what}" for study in MAIN_STUDIES for what in ("labelled", "right of these")]
    return TextTable("Windows of left-out studies that keep a label", ("unsure below", *columns), rows)


def _busy_hands(result: Mapping[str, Any]) -> str:
    """What a user must know of busy hands, with the scores of WISDM, left out."""
    hands = _left_out(result)["wisdm"]["known"]["hands"]
    return HANDS.format(**{name: f"{100 * hands[name]['mean']:.0f} %" for name in ("posture", "busy")})


def _scheme(result: Mapping[str, Any]) -> str:
    scheme = result["settings"]["label_scheme"]
    return (
        "Each activity of a study was trained as the label, or as one of several allowed labels, that the label scheme "
        f"`{scheme['name']}` states (`harken.datasets.label_schemes`). An activity that is in none of the studies "
        "(driving, cooking, swimming) may get any label."
    )


def _activities(result: Mapping[str, Any]) -> TextTable:
    """Which activities of which study were trained as which label."""
    of_label: dict[str, dict[str, list[str]]] = {}
    for study, names in result["activities"].items():
        for activity, label in names.items():
            of_label.setdefault(label, {}).setdefault(study, []).append(activity.replace("_", " "))
    order = result["settings"]["label_scheme"]["labels"]
    rows = [
        (label, "; ".join(f"{NAMES[study]}: {', '.join(each)}" for study, each in of_label[label].items()))
        for label in sorted(of_label, key=lambda one: (one not in order, order.index(one) if one in order else 0, one))
    ]
    return TextTable("Labels and the activities of the studies", ("label", "activities"), rows)


def _data(result: Mapping[str, Any]) -> str:
    ours, lines = _left_out(result), []
    for study in NINE_STUDIES:
        info, people = dataset(study).info, result["model"]["training_people"][study]
        wearers = f"{people} people, {ours[study]['windows']:,} windows" if study in ours else "Unknown wearers"
        lines.append(
            f"- **{NAMES[study]}**: {info.title} ({info.placement}; {info.sample_rate_hz:g} Hz). {wearers}. "
            f"Licence: {info.licence}. {info.citation}."
        )
    return (
        "\n".join(lines) + "\n\nThe weights are harken's own work, and the recordings are not in the package. Please "
        "cite the studies in a publication with results of this model. `harken datasets NAME` lists the pitfalls of "
        "each."
    )


def _model(result: Mapping[str, Any]) -> str:
    model = result["model"]
    reads = model["specification"]
    counts = ", ".join(f"{label} {count:,}" for label, count in model["training_windows_by_label"].items())
    return (
        f"An `{reads['preset']}` network of {model['parameters']:,} weights, {model['bytes']:,} bytes. It reads "
        f"{', '.join(reads['channels'])} in {reads['acceleration_unit']}, {_window_s(result):g} s at "
        f"{reads['sample_rate_hz']:g} Hz, and gives a label every {reads['hop_s']:g} s. Training windows, with "
        f"repetitions of rare labels: {counts}. SHA-256 of the file: `{model['sha256']}`."
    )


def _repeat(result: Mapping[str, Any]) -> str:
    commands: Sequence[str] = result["commands"]
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    lines = "\n".join(f"$ {command}" for command in commands)
    return (
        f"```console\n{lines}\n```\n\nCommit {result['commit']}; {versions}; one thread for each fit. All settings and "
        "the score of each new person are in `docs/results/packaged_model.json`, those of left-out studies in "
        "`docs/results/studies_nine.json`."
    )


def _window_s(result: Mapping[str, Any]) -> float:
    preset = result["settings"]["preset"]
    return float(preset["window_length"] / preset["sample_rate_hz"])
