"""The 2018 notebook retold with harken: two recordings in, the truth out.

    python examples/notebook.py MINE.csv FRIEND.csv [EPOCHS]

Both files are in the notebook's format, ``Timestamp,X,Y,Z,P,Label``, with or without the header line. The notebook's
100 epochs take about ten minutes on two cores; 5, for a first look, take one minute.
"""

import sys
from pathlib import Path

import harken


def main(
    mine: str, friend: str, epochs: int | None = None, *, out: Path = Path(), length: int = 512, draws: int = 10_000
) -> float:
    """Learn from ``mine``, test on both, and return the accuracy on the friend."""
    # What is in the recordings? As found: every row in the file's order, as the notebook read it.
    recording = harken.read(mine, as_found=True)
    unseen = harken.read(friend, as_found=True)
    print(f"{recording.subject}: {len(recording)} rows at {recording.sample_rate_hz:.1f} Hz, {recording.label_names}")

    # The notebook's windows: 10,000 drawn at random, one label each; 9,000 train, 1,000 test.
    windows = harken.random_windows(recording, length=length, count=draws, seed=1337)
    cross = harken.random_windows(unseen, length=length, count=draws, seed=101)
    training, same_person = windows[: draws * 9 // 10], windows[draws * 9 // 10 :]

    # Two stacked LSTM layers of 32 units, 100 epochs, unless told otherwise.
    recogniser = harken.Recogniser("notebook", epochs=epochs)
    recogniser.fit(training, tests={"same_person": same_person, "cross_person": cross})

    # The flattering number, and the truth.
    print(f"same person, overlapping windows: {recogniser.score(same_person):.1%}")
    print(f"an unseen person:            {recogniser.score(cross):.1%}")
    scores = recogniser.evaluate(cross)
    kappa = "undefined" if scores.cohen_kappa is None else f"{scores.cohen_kappa:.3f}"
    print(f"macro F1 {scores.macro_f1:.3f}, kappa {kappa}; true labels are rows:")
    print(scores.label_names)
    print(scores.confusion)

    # One file, without pickle, that knows its rate, window, channels and labels.
    recogniser.save(out / "model.safetensors")
    again = harken.Recogniser.load(out / "model.safetensors")
    print(f"the first window of the unseen person: {again.predict(cross[:1])[0]}, labelled {cross.labels[0]}")
    return recogniser.score(cross)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None)
