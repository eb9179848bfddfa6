"""The packaged model's card, made from ``docs/results/packaged_model.json`` and the facts about the data sets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.model.left_out_studies import SCORED_STUDIES
from benchmarks.model.packaged_model_card_texts import FAILURES, HANDS, INTENDED, MOUNTING, NEW_PEOPLE, UNSEEN_STUDIES
from benchmarks.recognition.studies_page import in_markdown
from harken.datasets.registry import dataset
from harken.evaluation.benchmark.page import TextTable, interval_text, number_text
from harken.evaluation.protocols.studies import MAIN_STUDIES, NINE_STUDIES
from harken.outcomes.groups import GROUPS
from harken.reports.caveats import STUDY_NAMES

NAMES = {study: STUDY_NAMES.get(study, study.upper()) for study in NINE_STUDIES}
FOREST, RULE = "random_forest", "sedentary_sphere"
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


def _ours(result: Mapping[str, Any]) -> Studies:
    """The scores of the recipe on each study that was left out of training."""
    left_out = result["left_out"]
    studies: Studies = left_out["methods"][left_out["preset"]]["studies"]
    return studies


def _others(result: Mapping[str, Any], method: str) -> Studies:
    """The scores of a baseline on each study that was left out."""
    studies: Studies = result["left_out"]["methods"][method]["studies"]
    return studies


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
    ours, forest, new = _ours(result), _others(result, FOREST), result["new_people"]
    rows = [
        (
            NAMES[study],
            str(ours[study]["people"]),
            f"**{_scored(ours[study]['known'])}**",
            _scored(ours[study]["found"]),
            _scored(forest[study]["known"]),
            _scored(new["studies"][study]),
        )
        for study in MAIN_STUDIES
    ]
    left_out = result["left_out"]
    score = left_out["methods"][left_out["preset"]]["main_score"]
    rows.append(
        (
            "mean of the three",
            str(sum(ours[study]["people"] for study in MAIN_STUDIES)),
            f"**{number_text(score['known'])}**",
            number_text(score["found"]),
            number_text(left_out["methods"][FOREST]["main_score"]["known"]),
            number_text(new["main_score"]),
        )
    )
    return TextTable(
        "Mean F1 of a person",
        ("study", "people", "study left out", "as `harken label` turns the watch", "random forest", "new people"),
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
    ours, forest, new = _ours(result), _others(result, FOREST), result["new_people"]["studies"]
    rows = [
        (
            NAMES[study],
            str(ours[study]["people"]),
            label,
            f"**{number_text(ours[study]['known']['recall'][label])}**",
            number_text(ours[study]["found"]["recall"].get(label)),
            number_text(forest[study]["known"]["recall"].get(label)),
            number_text(new[study]["recall"].get(label)),
        )
        for study in SCORED_STUDIES
        if study not in MAIN_STUDIES
        for label in ours[study]["known"]["recall"]
    ]
    return TextTable(
        "Recall in studies of few labels",
        (
            "study",
            "people",
            "label",
            "study left out",
            "as `harken label` turns the watch",
            "random forest",
            "new people",
        ),
        rows,
        "The mean over people.",
    )


def _groups(result: Mapping[str, Any]) -> TextTable:
    ours, rule, forest, new = (
        *(_ours(result), _others(result, RULE), _others(result, FOREST)),
        result["new_people"]["studies"],
    )
    rows = []
    for study in SCORED_STUDIES:
        known = ours[study]["known"]
        for group, score in known["groups"].items():
            of_others = [number_text(one[study]["known"]["groups"].get(group)) for one in (rule, forest)]
            rows.append(
                (
                    NAMES[study],
                    group.replace("_", " "),
                    f"**{number_text(score)}** ({interval_text(known['group_intervals'][group])})",
                    *of_others,
                    number_text(new[study]["groups"].get(group)),
                )
            )
    members = "; ".join(f"{group.replace('_', ' ')}: {', '.join(names)}" for group, names in GROUPS.items())
    return TextTable(
        "F1 of each group of labels, the mean over people",
        ("study", "group", "study left out", "Sedentary Sphere", "random forest", "new people"),
        rows,
        f"{members.capitalize()}. Confusion within a group is no mistake. The [Sedentary "
        "Sphere](benchmark.md) is the published rule for a wrist; it knows the axis of the forearm, as the "
        "models do here. [Reports](report.md#what-leads) lead with groups and labels whose F1, as the mean of WISDM, "
        "DSADS and selfBACK, is 0.7 or more.",
    )


def _hands(result: Mapping[str, Any]) -> TextTable:
    ours, new = _ours(result), result["new_people"]["studies"]
    rows = []
    for study in SCORED_STUDIES:
        known, of_new = ours[study]["known"], new[study]
        cells = [
            cell
            for name in ("posture", "busy", "calm")
            for cell in (_mean(known["hands"].get(name)), _mean(of_new["hands"].get(name)))
        ]
        if {*cells} != {number_text(None)}:
            rows.append((NAMES[study], *cells))
    columns = [f"{what}: {who}" for what in ("posture", "busy", "calm") for who in ("study left out", "new people")]
    return TextTable(
        "Busy hands",
        ("study", *columns),
        rows,
        "Posture: the share of windows with busy hands in which the right one of sitting and standing is more "
        "probable. Busy: the share of windows with busy hands that are found so. Calm: the share of windows with calm "
        "hands that are found so. Each is the mean over people.",
    )


def _mean(score: Mapping[str, Any] | None) -> str:
    return number_text(None if score is None else score["mean"])


def _labels(result: Mapping[str, Any]) -> TextTable:
    ours, forest, new = _ours(result), _others(result, FOREST), result["new_people"]["studies"]
    rows = [
        (
            NAMES[study],
            label,
            number_text(ours[study]["known"]["f1"].get(label)),
            number_text(forest[study]["known"]["f1"].get(label)),
            number_text(new[study]["f1"].get(label)),
        )
        for study in MAIN_STUDIES
        for label in dict.fromkeys((*ours[study]["known"]["f1"], *new[study]["f1"]))
    ]
    return TextTable(
        "F1 of each label, the mean over people",
        ("study", "label", "study left out", "random forest", "new people"),
        rows,
        "Windows of `other` count against the label that they get: the tables below show how many are called walking.",
    )


def _confusions(result: Mapping[str, Any]) -> Iterator[TextTable]:
    labels = result["model"]["specification"]["labels"]
    for study in MAIN_STUDIES:
        rows = [
            (truth, *(f"{100 * row.get(label, 0) / sum(row.values()):.0f}" for label in labels))
            for truth, row in _ours(result)[study]["confusion"].items()
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
    hands = _ours(result)["wisdm"]["known"]["hands"]
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
    ours, lines = _ours(result), []
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
