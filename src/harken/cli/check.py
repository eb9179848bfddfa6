"""``harken check``: how well the labels of a study are right, from named clips or from a truth in files."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from harken.annotations.folders import CHECK, SUMMARY
from harken.annotations.options import LabelOptions
from harken.cli.files import plain_table, print_json, print_warning, progress, say
from harken.cli.options import Json
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.support.files import writing_in_turn
from harken.support.options import Argument, Option
from harken.support.printable import printable

if TYPE_CHECKING:
    from harken.labelling.check.clips import CheckSettings
    from harken.labelling.check.results import CheckResults

MOST_CLIPS = 10_000

Checked = Annotated[Path, Argument("The folder that harken label wrote (its --out).", metavar="OUT")]
Clips = Annotated[
    int | None,
    Option("How many clips to draw. [default: 60]", metavar="N", least=1, most=MOST_CLIPS),
]
Seed = Annotated[int | None, Option("Draw other clips: a whole number. [default: 0]", metavar="N", least=0)]
NoNights = Annotated[
    bool, Option("Leave out the sleep periods, of which most people can say little.", flag="--no-nights")
]
TruthInFiles = Annotated[
    bool,
    Option(
        "Compare with the labels beside the recordings, NAME.labels.csv, or in them, instead of drawing clips. "
        "--labels FILE does so, too.",
        flag="--truth",
    ),
]


def check(
    out: Checked,
    *,
    clips: Clips = None,
    seed: Seed = None,
    no_nights: NoNights = False,
    truth: TruthInFiles = False,
    json: Json = False,
    labels: LabelOptions,
    reading: TableOptions,
) -> None:
    """The first call draws clips of half a minute at random from the labelled time, more where fewer labels are right,
    and writes OUT/check/clips.csv. Name them on a page with harken annotate OUT/check: you see the signal and a video,
    but not the labels of the model. A later call estimates precision and recall of each label, with intervals over
    people, and the hours without the model's confusions. They are printed, and written to OUT/check/check.csv and
    to OUT/study.html. Clips that nobody could tell are counted. With --truth or --labels, all time for which there is a
    truth is compared.
    """
    from harken.labelling.check.results import write_check
    from harken.labelling.study import write_study

    if (out / SUMMARY).exists():
        raise HarkenError(f"{out} holds the results of one recording; give the folder above it: {out.resolve().parent}")
    drawing = DrawingOptions(clips, seed, no_nights)
    if truth or labels.path is not None:
        drawing.refuse_with_truth()
        results = _compare_with_files(out, labels, reading, nights=not no_nights)
    else:
        if labels != LabelOptions() or reading != TableOptions():
            raise HarkenError("options of labels and of reading are for a truth in files; add --truth or --labels FILE")
        results = _estimate_from_clips(out, drawing)
    if results.parts:
        write_check(out, results)
        for folder, error in write_study(out).unread.items():
            print_warning(folder, str(error))
    if json:
        print_json(msgspec.to_builtins(results))
    else:
        _print(out, results)


class DrawingOptions(NamedTuple):
    """The options of drawing that were given.

    Attributes:
        clips, seed: None if they were not.
        no_nights: false if it was not.
    """

    clips: int | None
    seed: int | None
    no_nights: bool

    def choose_settings(self) -> "CheckSettings":
        """Return how to draw; what was not given is the default."""
        from harken.labelling.check.clips import CheckSettings

        usual = CheckSettings()
        return CheckSettings(
            usual.clips if self.clips is None else self.clips,
            usual.seed if self.seed is None else self.seed,
            not self.no_nights,
        )

    def refuse_others(self, out: Path, drawn: "CheckSettings") -> None:
        """Raise the error for an option that differs from how the clips were drawn."""
        differences = (
            (self.clips not in (None, drawn.clips), f"--clips {self.clips}", f"--clips {drawn.clips}"),
            (self.seed not in (None, drawn.seed), f"--seed {self.seed}", f"--seed {drawn.seed}"),
            (self.no_nights and drawn.nights, "--no-nights", "the nights"),
        )
        for differs, given, before in differences:
            if differs:
                raise HarkenError(
                    f"{given}: the clips of this study were drawn with {before}. To draw others, move the folder "
                    f"{out / CHECK} to another place"
                )

    def refuse_with_truth(self) -> None:
        """Raise the error for an option that makes no sense where the truth is in files."""
        for flag, value in (("--clips", self.clips), ("--seed", self.seed)):
            if value is not None:
                raise HarkenError(
                    f"{flag} {value} is for drawing clips; with a truth in files all its time is compared"
                )


def _compare_with_files(out: Path, labels: LabelOptions, reading: TableOptions, *, nights: bool) -> "CheckResults":
    """Compare all labels for which there is a truth. Print the recordings without one, and why."""
    from harken.labelling.check.results import measure_truth
    from harken.labelling.check.survey import survey_study
    from harken.labelling.check.truth import read_truth

    with progress("Reading the labels", 0, 2) as show:
        survey = survey_study(out, nights=nights, on_share=show)
    _print_left_out(out, survey.left_out)
    with progress("Reading the truth", 1, 2) as show:
        truth = read_truth(survey, labels, reading, on_share=show)
    _print_left_out(out, truth.without)
    source = "the labels of the recordings" if labels.path is None else str(labels.path)
    return measure_truth(out, survey, truth, source)


def _estimate_from_clips(out: Path, drawing: DrawingOptions) -> "CheckResults":
    """Estimate from the clips that were named; draw them first if they are not."""
    from harken.labelling.check.clips import read_design, read_named, write_design
    from harken.labelling.check.draw import draw_clips
    from harken.labelling.check.results import measure_clips

    if not out.is_dir():
        raise HarkenError(f"there is no folder {out}")
    with writing_in_turn(out / CHECK):
        design = read_design(out)
        if design is None:
            with progress("Drawing clips", 0, 1) as show:
                design = draw_clips(out, drawing.choose_settings(), on_share=show)
            _print_left_out(out, design.left_out)
            write_design(out, design)
        drawing.refuse_others(out, design.settings)
        return measure_clips(out, design, read_named(out, design))


def _print_left_out(out: Path, left_out: Mapping[str, str]) -> None:
    for folder, reason in left_out.items():
        print_warning(out / folder, reason)


def _print(out: Path, results: "CheckResults") -> None:
    from harken.labelling.check.results import TABLE, describe_check, find_changed

    console = Console(highlight=False, markup=False, emoji=False)
    page = f"harken annotate {out / CHECK}"
    if not results.parts:
        say(console, f"{results.clips} half minutes are drawn, and {results.looked_at} of them are looked at.")
        say(console, "Name them on a page, which does not show the labels of the model:")
        typer.echo(f"  {printable(page)}")
        say(console, "Then repeat this command. Whoever names them needs a video, a diary or a good memory.")
        return
    shown = describe_check(results, find_changed(out, results.timelines))
    for sentence in shown.sentences:
        say(console, sentence)
    if shown.warning:
        say(console, f"warning: {shown.warning}", "yellow")
    for part in shown.tables:
        console.print(Text(f"\n{part.title}", style="bold"))
        table = plain_table("label", "clips", "precision, %", "recall, %", "hours", "corrected hours")
        for row in part.rows:
            table.add_row(*map(Text, row))
        console.print(table)
    typer.echo()
    typer.echo(printable(f"The table: {out / CHECK / TABLE}"))
    typer.echo(printable(f"On the page of the study: {out / 'study.html'}"))
    if results.looked_at < results.clips:
        typer.echo(printable(f"Name the other clips with: {page}"))
