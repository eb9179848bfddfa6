"""Stress-Predict: an hour at a desk with an Empatica E4 on the wrist. Posture was not annotated."""

from pathlib import Path

from harken.datasets.info import DatasetInfo, data_folder
from harken.datasets.tidy import read_study
from harken.recordings.recording import Recording

PHASES = (
    "baseline_questionnaire",
    "consent",
    "hyperventilation",
    "interview",
    "questionnaire",
    "relax",
    "relax_baseline",
    "stroop test",
)
TIDY_FILE = "stress_predict.parquet"

INFO = DatasetInfo(
    name="stress_predict",
    title="An hour at a desk with questionnaires, Stroop test, interview and relaxation (Empatica E4)",
    licence="MIT",
    citation=(
        "T. Iqbal, A. J. Simpkin, D. Roshan, N. Glynn, J. Killilea, J. Walsh, G. Molloy, S. Ganly, H. Ryman, E. Coen, "
        "A. Elahi, W. Wijns, A. Shahzad. Stress monitoring using wearable sensors: a pilot study and Stress-Predict "
        "dataset. Sensors 22(21):8135, 2022. doi 10.3390/s22218135"
    ),
    url="https://github.com/italha-d/Stress-Predict-Dataset",
    how_to_get=f"as a tidy table named {TIDY_FILE} (docs/datasets.md lists its columns), made from the repository",
    people=35,
    sample_rate_hz=32.0,
    labels=PHASES,
    placement="wrist, y along the forearm",
    forearm_axis="y",
    label_map=dict.fromkeys(PHASES, "sitting"),
    checked_on_real_files=True,
    traps=(
        "Posture was not annotated. Sitting is assumed from the protocol, so who stood up for a moment is labelled "
        "sitting.",
        "There is one posture only: a score on this set is a recall of sitting.",
        "Its makers do not say which axis points along the forearm. In the Stroop test gravity lies across y in 34 of "
        "35 people (mean |y| 0.16 g; x 0.38, z 0.86), as in selfBACK's sitting, where y is known to point along the "
        "forearm.",
        "The range is 2 g and a step is 1/64 g.",
        "The phase between two tasks has no label: people moved about.",
        "There is no date: recordings are set at 1970.",
    ),
)


def read_stress_predict(folder: Path | None = None) -> list[Recording]:
    """The watch's acceleration in g, one recording for each person; ``subject`` is ``stress_predict_S01`` and so on.

    Args:
        folder: the folder of ``stress_predict.parquet``; by default ``stress_predict`` in the folder ``HARKEN_DATA``.

    Raises:
        HarkenError: when there is no such folder, or the file is missing or damaged.
    """
    return read_study(data_folder(INFO, folder) / TIDY_FILE, INFO)
