"""Hawthorne: workouts of five exercises with a sensor on the wrist, on several days."""

from pathlib import Path

from harken.datasets.info import DatasetInfo, data_folder
from harken.datasets.tidy import read_study
from harken.recordings.recording import Recording

LABEL_MAP = {
    "jogging_in_place": "running",
    "jumping": "other",
    "jumping_jacks": "other",
    "sit_ups": "other",
    "walking": "walking",
}
TIDY_FILE = "hawthorne.parquet"

INFO = DatasetInfo(
    name="hawthorne",
    title="Workouts of five exercises, on four days each, with a sensor on the wrist (Hawthorne)",
    licence="MIT",
    citation=(
        "M. Bock, M. Moeller, K. Van Laerhoven. Repository hawthorne_har, 2023. "
        "https://github.com/mariusbock/hawthorne_har"
    ),
    url="https://github.com/mariusbock/hawthorne_har",
    how_to_get=f"as a tidy table named {TIDY_FILE} (docs/datasets.md lists its columns), made from the repository",
    people=10,
    sample_rate_hz=12.5,
    labels=tuple(sorted(LABEL_MAP)),
    placement="wrist, x along the forearm",
    forearm_axis="-x",
    label_map=LABEL_MAP,
    checked_on_real_files=True,
    traps=(
        "The rate is 12.5 Hz: nothing faster than 6 Hz is in the signal.",
        "Everybody is there with four sessions: never one of them in training and another in test.",
        "Jogging is in place; it becomes running, and is another movement than running on a road.",
        "Bouts are short, half a minute, and what lies between them has no label.",
        "The sign of x differs between people: the watch was worn on either side.",
        "S0's second and third session are one recording, and so are S9's first two and last two, each labelled twice "
        "with borders that differ by seconds: 37 sessions are different recordings, not 40.",
        "In S0's second and third session the arm moves in walking as in running (0.6 g on y): labels are doubtful.",
        "There is no date: sessions are set one after another, a minute apart, from 1970.",
    ),
)


def read_hawthorne(folder: Path | None = None) -> list[Recording]:
    """The sensor's acceleration in g, one recording for each person; ``subject`` is ``hawthorne_S0`` and so on.

    Args:
        folder: the folder of ``hawthorne.parquet``; by default ``hawthorne`` in the folder ``HARKEN_DATA``.

    Raises:
        HarkenError: when there is no such folder, or the file is missing or damaged.
    """
    return read_study(data_folder(INFO, folder) / TIDY_FILE, INFO)
