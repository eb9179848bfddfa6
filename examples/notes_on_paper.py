"""From notes on paper to a model that is tested on another person.

    python examples/notes_on_paper.py ME.csv ME_NOTES.csv FRIEND.csv FRIEND_NOTES.csv [ZONE]

The recordings need no labels. The notes are tables with the columns ``start,end,label``, such as ``10:00,10:05,lying``,
by the clock of the zone, such as ``Europe/Athens``.
"""

import argparse
from pathlib import Path

import harken


def main(
    mine: str, my_notes: str, friend: str, friend_notes: str, zone: str = "UTC", *, out: Path = Path("run")
) -> float:
    """Train on ``mine``, test on ``friend``, and return the accuracy on the friend."""
    reading = harken.TableOptions(timezone=zone)

    # What was noted, and how long did it last?
    for recording, notes in ((mine, my_notes), (friend, friend_notes)):
        facts = harken.inspect(recording, labels=notes, reading=reading)
        minutes = {label: round(time.total_s / 60, 1) for label, time in facts.labels.items()}
        print(f"{facts.subject}: {minutes} minutes, by {facts.label_source}")

    # Nobody changes activity on the second: two seconds at both ends of each bout are left out.
    outcome = harken.train(
        mine, labels=my_notes, cross=friend, cross_labels=friend_notes, trim_s=2, reading=reading, out=out
    )
    if outcome is None or outcome.cross is None:
        raise SystemExit(f"{out} has a finished run already")
    print(f"an unseen person: {outcome.cross.accuracy:.1%} of the windows; the report is {out / 'report.html'}")
    return outcome.cross.accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mine", metavar="ME.csv", help="your recording")
    parser.add_argument("my_notes", metavar="ME_NOTES.csv", help="your notes")
    parser.add_argument("friend", metavar="FRIEND.csv", help="the recording of somebody else, for the test")
    parser.add_argument("friend_notes", metavar="FRIEND_NOTES.csv", help="the notes on it")
    parser.add_argument("zone", metavar="ZONE", nargs="?", default="UTC", help="the zone of the notes (default UTC)")
    main(**vars(parser.parse_args()))
