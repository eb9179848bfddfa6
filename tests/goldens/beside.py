"""Compare this checkout with another one, to the bit: what their commands write on this machine.

Usage: python tests/goldens/beside.py OTHER_CHECKOUT [--data DIR]   (DIR: the recordings of HARKEN_DATA)

Runs the same commands with both sources: two epochs of each preset, labels of simulated and of real recordings, an
evaluation, an adaptation and a benchmark. Prints what differs, and ends with 1 if anything does. The stored texts of
``results`` are rounded, because processors differ in the last bits; here nothing is. Both checkouts must have the
compiled kernels, or neither.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
from safetensors import safe_open

HERE = Path(__file__).parents[2]
PRESETS = ("deep_conv_lstm", "notebook")
DEVICES = ("skdh_ax3_sample.cwa", "GGIRread_ax3_corrupt_blocks.cwa", "readgt3x_TAS1H30182785_2019-09-17.gt3x")
STUDY = ("study/wearer_1.csv", "study/wearer_2.csv", "study/wearer_3.csv")
LABEL = ("label", "day.csv", STUDY[0], "--workers", "1", "--timezone", "Europe/London")
TRAINING = ("--epochs", "2", "--threads", "1")
BASELINE = ("--no-preset", "--baseline", "random_forest")
SIMULATED: tuple[tuple[str, ...], ...] = (
    ("simulate", "--people", "3", "--days", "0.02", "--rate", "30", "--seed", "3", "--out", "study/wearer.csv"),
    ("simulate", "--days", "0.6", "--rate", "12", "--seed", "4", "--out", "day.csv"),
)
COMMANDS: tuple[tuple[str, ...], ...] = (
    (*LABEL, "--out", "labelled"),
    (*LABEL, "--out", "raw", "--no-smoothing", "--no-calibration", "--no-non-wear", "--no-orientation"),
    (*LABEL, "--out", "own", "--model", "everyday", "--unsure-below", "0.4", "--night-threshold", "ggir-0.2"),
    ("evaluate", "packaged", *STUDY, "--json"),
    ("evaluate", "everyday", *STUDY[1:], "--json"),
    ("adapt", "everyday", STUDY[1], "--out", "adapted.safetensors", "--json"),
    ("benchmark", "study", "--protocol", "leave-one-person-out", *BASELINE, "--workers", "0", "--out", "scores"),
)
SHOWN_KEYS = 8
CHANGING = {"made_with", "started", "timing", "machine", "versions", "seconds", "elapsed_s"}
"""Keys of JSON that depend on the time of day and on how fast the machine is."""
CHANGING_TEXT = re.compile(r"\b\d+(\.\d+)? (s|min|h)\b|Made with harken .*")


def main() -> None:
    """Run all commands in both checkouts, and compare what they wrote."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--presets", nargs="*", default=PRESETS, metavar="NAME", help="besides everyday")
    parser.add_argument("--data", type=Path, default=os.environ.get("HARKEN_DATA"))
    arguments = parser.parse_args()
    presets = dict.fromkeys(["everyday", *arguments.presets])
    trained = [("train", STUDY[0], "--preset", name, *TRAINING, "--out", name) for name in presets]
    commands = [*SIMULATED, *trained, *COMMANDS]
    if arguments.data is not None:
        devices = [str(Path(arguments.data, "devices", name).resolve()) for name in DEVICES]
        commands.append(("label", *devices, "--workers", "1", "--out", "devices"))
    kernels = {any((checkout / "src").rglob("*.so")) for checkout in (HERE, arguments.checkout)}
    if len(kernels) > 1:
        sys.exit("Only one of the two checkouts has the compiled kernels, so the last bits would differ.")
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, side) for side in ("here", "other")]
        with ThreadPoolExecutor() as threads:  # at the same time, each on one core
            list(threads.map(_run, (HERE, arguments.checkout.resolve()), folders, [commands] * 2))
        different = list(_differences(*folders))
    print("\n".join(different) or "Nothing differs.")
    sys.exit(bool(different))


def _run(checkout: Path, folder: Path, commands: list[tuple[str, ...]]) -> None:
    """Run the commands, and keep the standard output and the exit code of each in a file."""
    environment = os.environ | {"PYTHONPATH": str(checkout / "src"), "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    (folder / "study").mkdir(parents=True)
    for number, command in enumerate(commands):
        print(f"{checkout}: harken {' '.join(command)}", file=sys.stderr)
        ended = subprocess.run(
            [sys.executable, "-m", "harken", *command], cwd=folder, env=environment, capture_output=True, text=True
        )
        if ended.returncode:
            print(ended.stderr, file=sys.stderr)
        kind = "json" if "--json" in command else "txt"
        (folder / f"command_{number}_{command[0]}.{kind}").write_text(ended.stdout or json.dumps(ended.returncode))


def _differences(here: Path, other: Path) -> Iterator[str]:
    """A line for each file that only one side has, or whose content differs."""
    sides = [{path.relative_to(side) for path in side.rglob("*") if path.is_file()} for side in (here, other)]
    for path in sorted(sides[0] | sides[1]):
        if path not in sides[0] & sides[1]:
            yield f"{path}: only {'here' if path in sides[0] else 'in the other checkout'}"
        elif path.suffix != ".png":
            before, now = _content(other / path), _content(here / path)
            # By their texts, which are exact for numbers, and equal for two NaN.
            if keys := [key for key in before | now if repr(before.get(key)) != repr(now.get(key))]:
                yield f"{path}: {', '.join(keys[:SHOWN_KEYS])}{' and more' * (len(keys) > SHOWN_KEYS)}"


def _content(path: Path) -> dict[str, Any]:
    """What is in a file, by names that say where it differs."""
    if path.suffix == ".parquet":
        return {column.name: (column.dtype, column.to_list()) for column in pl.read_parquet(path)}
    if path.suffix == ".safetensors":
        with safe_open(path, "numpy") as file:
            weights = {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118
            return {**weights, "metadata": {k: _timeless(json.loads(v)) for k, v in (file.metadata() or {}).items()}}
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        content = _timeless(json.loads(text))
        return content if isinstance(content, dict) else {"JSON": content}
    return {f"line {number}": CHANGING_TEXT.sub("", line) for number, line in enumerate(text.splitlines(), 1)}


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(one) for key, one in value.items() if key not in CHANGING}
    return [_timeless(one) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
