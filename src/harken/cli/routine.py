"""``harken routine``: what a wearer does so that harken learns how this wearer lies, sits, stands and walks."""

from pathlib import Path
from typing import Annotated

import typer

from harken.support.errors import HarkenError
from harken.support.options import Argument, Option
from harken.support.printable import duration_text, printable


def routine(
    name: Annotated[
        str | None,
        Argument("five-minutes, or a file NAME.toml of your own. Without a name, all are listed.", metavar="NAME"),
    ] = None,
    *,
    page: Annotated[
        Path | None,
        Option(
            "Write the routine as a page to hand out, with a line for the start.", flag="--print", metavar="FILE.html"
        ),
    ] = None,
) -> None:
    """A routine has steps, each with an instruction, a label and a length. The wearer follows them one after the other
    and notes when the first one began. A table with the columns person, routine and start is then a file of labels for
    harken inspect, adapt, train and evaluate (--labels), and of harken label
    (--teach-labels).
    """
    from harken.annotations.routine import find_routine, routine_names

    if page is not None and page.suffix.lower() != ".html":
        raise HarkenError("the page of a routine must end in .html", path=page)
    if name is None:
        if page is not None:
            raise HarkenError("--print needs a routine: harken routine five-minutes --print FILE.html")
        for known in routine_names():
            chosen = find_routine(known)
            typer.echo(f"{known}: {len(chosen.steps)} steps, {duration_text(chosen.seconds)}")
        return
    chosen = find_routine(name)
    typer.echo(f"{chosen.title}: {len(chosen.steps)} steps, {duration_text(chosen.seconds)}")
    for number, step in enumerate(chosen.steps, 1):
        at = f"{int(step.start_s) // 60}:{int(step.start_s) % 60:02d}"
        typer.echo(f"{number:3}  {at:>5}  {step.label}: {printable(step.instruction)}")
    if page is not None:
        from harken.reports.routine import write_routine_page

        write_routine_page(page, chosen)
        typer.echo(printable(page))
