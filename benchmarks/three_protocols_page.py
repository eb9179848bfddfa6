"""What ``three_protocols.py`` found, as a table and a picture."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harken.figures.style import INK, dress, house_style, new_figure

PROTOCOLS = {
    "overlapping": (
        "random windows, which overlap those learned from",
        "random windows, which\noverlap those learned from",
    ),
    "blocked": ("the same people, a moment later", "the same people,\na moment later"),
    "strangers": ("people never met", "people\nnever met"),
}
"""Each protocol in the words of the table, and in those of the picture."""
METHODS = {"notebook": "the notebook's network", "random_forest": "random forest", "everyday": "everyday (harken)"}
COLOURS = {"notebook": "#E69F00", "random_forest": "#56B4E9", "everyday": "#0072B2"}
BAR = 0.26
FEW_LABELS = 6


def table(result: Mapping[str, Any]) -> str:
    """A line for each set and protocol, and one for what the first protocol adds to the score of the last."""
    methods = [_with_passes(result, name) for name in METHODS]
    lines = [
        f"| data | tested on | of it learned from | {' | '.join(methods)} |",
        f"|{'---|' * (3 + len(methods))}",
    ]
    for name, one in result["sets"].items():
        for protocol, (words, _) in PROTOCOLS.items():
            found = one["protocols"][protocol]
            shared = np.mean([each["mean_share_of_time_in_training"] for each in found["divisions"].values()])
            cells = [_scores(found["methods"][method]) for method in METHODS]
            lines.append(f"| {name.upper()} | {words} | {shared:.0%} | {' | '.join(cells)} |")
        gained = [one["flattery"][method]["overlapping"] for method in METHODS]
        cells = [f"{each['mean_person_macro_f1']:+.3f}{_interval(each, sign='+')}" for each in gained]
        lines.append(f"| {name.upper()} | what the first adds to the last | | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def title(one: Mapping[str, Any]) -> str:
    """A set in words: its name, its people, its activities."""
    labels = one["windows"]["labels"]
    tested = one["protocols"]["strangers"]["methods"]["everyday"]["people"]
    said = ", ".join(labels) if len(labels) <= FEW_LABELS else f"{len(labels)} activities"
    return f"{one['dataset'].upper()}: {said}; {tested} people"


@house_style()
def picture(result: Mapping[str, Any]) -> Figure:
    """Bars: the protocols side by side, in each of them the methods; intervals over people."""
    sets = result["sets"]
    figure = new_figure(8, 0.9 + 3.3 * len(sets))
    figure.suptitle("The same windows and methods, tested in three ways")
    panels: Sequence[Axes] = figure.subplots(len(sets), squeeze=False)[:, 0].tolist()
    for axes, one in zip(panels, sets.values(), strict=True):
        dress(axes)
        for number, method in enumerate(METHODS):
            found = [one["protocols"][protocol]["methods"][method] for protocol in PROTOCOLS]
            _bars(axes, np.arange(len(PROTOCOLS)) + (number - 1) * BAR, found, _with_passes(result, method), method)
        axes.set_title(title(one), fontweight="normal", fontsize=10)
        axes.set_xticks(range(len(PROTOCOLS)), [words for _, words in PROTOCOLS.values()])
        axes.tick_params(axis="x", length=0, labelsize=10)
        axes.set(
            ylim=(0, 1.1), yticks=np.arange(0, 1.01, 0.2), ylabel="Macro F1 of a person\n(mean; line: 95 % interval)"
        )
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _bars(axes: Axes, places: Any, found: Sequence[Mapping[str, Any]], label: str, method: str) -> None:
    """One method under each protocol, its score written above."""
    means = [one["mean_person_macro_f1"] for one in found]
    axes.bar(places, means, BAR - 0.03, color=COLOURS[method], label=label)
    for place, mean, one in zip(places, means, found, strict=True):
        low, high = one["mean_person_macro_f1_interval"] or (mean, mean)
        if high > low:
            axes.plot([place, place], [low, high], color=INK, linewidth=1.2)
        axes.annotate(
            f"{mean:.2f}",
            (place, max(high, mean)),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )


def _with_passes(result: Mapping[str, Any], method: str) -> str:
    """The method's words; how many passes the notebook's network had is part of them."""
    one = next(iter(result["sets"].values()))
    settings = one["protocols"]["strangers"]["methods"][method]["settings"]
    if method != "notebook":
        return METHODS[method]
    return f"{METHODS[method]} ({settings['preset']['training']['passes']} passes)"


def _scores(one: Mapping[str, Any]) -> str:
    return f"{one['mean_person_macro_f1']:.3f}{_interval(one)}, {one['mean_person_accuracy']:.1%}"


def _interval(one: Mapping[str, Any], *, sign: str = "") -> str:
    interval = one["mean_person_macro_f1_interval"]
    return f" ({interval[0]:{sign}.3f} to {interval[1]:{sign}.3f})" if interval else ""
