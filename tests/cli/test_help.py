"""What a newcomer reads with ``--help``: where to begin, what to type, and which names there are."""

import re
import subprocess
import sys

import pytest

from command_line import Finished, Run
from harken.evaluation.protocols.published import PROTOCOLS
from harken.labelling.settings import LabelSettings
from harken.networks.specification import DEFAULT_PRESET
from harken.outcomes import PUBLISHED
from harken.training.presets import PRESETS

COMMANDS = ("demo", "inspect", "train", "evaluate", "adapt", "label", "simulate", "benchmark", "datasets")
SERVERS = ("annotate", "serve")


def words(ended: Finished) -> str:
    assert ended.exit_code == 0
    return " ".join(ended.stdout.replace("│", " ").split())


def test_the_first_page_says_where_to_begin(run_harken: Run) -> None:
    text = words(run_harken("--help"))
    assert "New here? harken demo takes a minute" in text
    assert "harken COMMAND --help" in text
    assert "<bool>" not in text
    for command in COMMANDS:
        assert re.search(rf" {command} [A-Z]", text), f"{command} stands in the list"


@pytest.mark.parametrize("command", COMMANDS)
def test_no_usage_has_brackets_in_brackets(run_harken: Run, command: str) -> None:
    (usage,) = re.findall(r"Usage: (.*)", run_harken(command, "--help").stdout)
    assert not re.search(r"\.\.\.[\]}]|\[\[", usage), usage


@pytest.mark.parametrize("command", [*COMMANDS, *SERVERS])
def test_an_option_that_takes_no_value_asks_for_none(run_harken: Run, command: str) -> None:
    page = run_harken(command, "--help").stdout
    assert "--help" in page
    assert "<bool>" not in page


@pytest.mark.parametrize("command", ["train", "benchmark"])
def test_the_help_names_the_default_recipe(run_harken: Run, command: str) -> None:
    assert f"[default: {DEFAULT_PRESET}]" in words(run_harken(command, "--help"))


def test_the_help_of_train_names_every_recipe_and_the_order_of_files(run_harken: Run) -> None:
    text = words(run_harken("train", "--help"))
    (recipes,) = re.findall(r"The recipe: (.*?)\.", text)
    assert set(re.split(r", | or ", recipes)) == set(PRESETS)
    assert "harken train a.csv b.csv --cross c.csv d.csv --out DIR" in text


def test_the_help_of_label_names_all_cut_points_and_the_defaults(run_harken: Run) -> None:
    text = words(run_harken("label", "--help")).replace(" ", "")  # names may be broken at their hyphens
    assert all(name in text for name in PUBLISHED)
    assert f"[default:{LabelSettings().cut_points.name}]" in text
    assert f"[default:{LabelSettings().valid_day_h}]" in text


def test_the_help_names_the_protocols_of_each_data_set(run_harken: Run) -> None:
    assert "harken datasets DATASET lists the protocols" in words(run_harken("benchmark", "--help"))
    names = ", ".join(name for dataset, name in PROTOCOLS if dataset == "wisdm")
    assert f"Protocols, for harken benchmark {names} Licence" in words(run_harken("datasets", "wisdm"))
    assert "Protocols, for harken benchmark leave-one-person-out Licence" in words(run_harken("datasets", "pamap2"))


@pytest.mark.parametrize("arguments", [("label", "", "--out", "o"), ("inspect", ""), ("label", "a.csv", "--out", "")])
def test_an_empty_argument_is_not_the_current_folder(run_harken: Run, arguments: tuple[str, ...]) -> None:
    """A shell makes one of a variable that is not set."""
    ended = run_harken(*arguments)
    before = ["harken", *arguments][arguments.index("")]
    assert ended.exit_code == 2
    assert ended.stderr == f"harken: the argument after {before} is empty; is a variable unset?\n"


def test_python_runs_the_same_command_line() -> None:
    shown = subprocess.run([sys.executable, "-m", "harken", "--help"], capture_output=True, text=True, check=True)
    assert "Usage: harken" in shown.stdout
