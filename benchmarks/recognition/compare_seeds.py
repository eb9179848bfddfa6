"""Does `harken compare` find a difference only where there is one?

    python -m benchmarks.recognition.compare_seeds --data DATA --out DIR [--turn]

``DATA`` is the folder of selfBACK. ``everyday`` is trained on its first five people, with ten seeds for twenty epochs
and with the first seed for a single one. On the other people, who are in no training, the following are compared: a
model with itself, five pairs of models that differ in their seeds alone, and the models of one epoch and of twenty.
All watches were worn alike, with y along the forearm, so none is turned, except with ``--turn``: then each is turned as
``harken compare`` does by itself. The trained models stay in ``DIR``, so the command can be stopped and repeated. It
takes 20 minutes.
"""

from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.command import command, options_of, write_result
from harken.datasets.tidy import read_tidy
from harken.evaluation.comparison import compare
from harken.models.recogniser import Recogniser
from harken.networks import DEFAULT_PRESET
from harken.signals import resample
from harken.training.presets import EVERYDAY
from harken.windows.windows import Windows, concatenate, sliding_windows

TABLE = "selfback_wrist.parquet"
TRAINING_PEOPLE = 5
EPOCHS = 20
PAIRS = ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9))
"""The seeds of the models that are compared."""
HOP_S = 4.0


def divided(data: Path, out: Path) -> tuple[Path, Path]:
    """The tables of the training people and of the others, written to ``out``."""
    whole = pl.read_parquet(data / TABLE)
    training = whole["subject"].is_in(whole["subject"].unique().sort()[:TRAINING_PEOPLE].to_list())
    paths = out / "training.parquet", out / "test.parquet"
    for path, rows in zip(paths, (training, ~training), strict=True):
        whole.filter(rows).write_parquet(path)
    return paths


def training_windows(table: Path) -> Windows:
    """The windows of all people in a table, as ``everyday`` is trained on."""
    rate_hz = EVERYDAY.sample_rate_hz
    assert rate_hz is not None
    length_s = EVERYDAY.window_length / rate_hz
    return concatenate(
        [
            sliding_windows(resample(recording, sample_rate_hz=rate_hz), length_s=length_s, hop_s=HOP_S)
            for recording in read_tidy(table)
        ]
    )


def trained(table: Path, out: Path, seed: int, epochs: int) -> Path:
    """The model of this seed after so many epochs, in ``out``; it is trained if it is not there yet."""
    path = out / f"seed_{seed}_epochs_{epochs}.safetensors"
    if not path.exists():
        Recogniser(DEFAULT_PRESET, epochs=epochs, seed=seed).fit(training_windows(table), threads=1).save(path)
        print(path.name, flush=True)
    return path


def compared(a: Path, b: Path, test: Path, *, turn: bool) -> dict[str, Any]:
    """The comparison of two models, for JSON: the difference, its interval, and the macro F1 of each person."""
    found = compare(a, b, test, orientation=turn).scores.as_dict()
    interval = found["b_minus_a"]["mean_person_macro_f1_interval"]
    print(f"{a.stem} and {b.stem}: {found['b_minus_a']['mean_person_macro_f1']:+.4f}, {interval}", flush=True)
    return {"a": a.name, "b": b.name, "contains_0": interval[0] <= 0 <= interval[1], **found}


def main() -> None:
    """Train what is not trained yet, compare, and write the JSON."""
    parser = options_of(__doc__, "compare_seeds.json")
    parser.add_argument("--data", type=Path, required=True, help="the folder of selfBACK")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the models")
    parser.add_argument("--turn", action="store_true", help="turn watches as harken compare does by itself")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    training, test = divided(arguments.data, arguments.out)
    first = trained(training, arguments.out, 0, 1)
    models = {seed: trained(training, arguments.out, seed, EPOCHS) for pair in PAIRS for seed in pair}
    content = {
        "training_people": TRAINING_PEOPLE,
        "epochs": EPOCHS,
        "with_itself": compared(models[0], models[0], test, turn=arguments.turn),
        "pairs_of_seeds": [compared(models[a], models[b], test, turn=arguments.turn) for a, b in PAIRS],
        "one_epoch_and_twenty": compared(first, models[0], test, turn=arguments.turn),
    }
    write_result(arguments.json, command("recognition.compare_seeds"), content)
    print(arguments.json)


if __name__ == "__main__":
    main()
