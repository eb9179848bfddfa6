"""How the model was trained is shown in full, and only what was used."""

from dataclasses import fields, replace

import pytest

from harken.networks.specification import CalibratedOn
from harken.reports.run.tables import training_facts
from harken.training.augmentation import Augmentation
from run_outcomes import MakeOutcome


def test_the_notebooks_adam_and_the_everyday_training_are_described_in_full(make_outcome: MakeOutcome) -> None:
    def facts(preset: str) -> dict[str, str]:
        return dict(training_facts(make_outcome(preset=preset)))

    notebook, everyday = facts("notebook"), facts("everyday")
    assert notebook["Optimiser"] == "Adam, as the notebook's library wrote it"
    assert (notebook["Learning rate"], notebook["L2 penalty"]) == ("0.0025", "0.0015")
    assert {"Label smoothing", "Changed at random", "Weight decay"}.isdisjoint(notebook)
    assert notebook["Windows taken"] == "10,000 drawn at random"
    assert everyday["Optimiser"] == "AdamW"
    assert everyday["Learning rate"] == "0.003 at most: it rises and then falls to 0 in one cycle"
    assert everyday["Label smoothing"] == "10.0%"
    assert everyday["Weight decay"] == "0.01"
    assert "L2 penalty" not in everyday
    assert everyday["Windows taken"] == "one every 2 s"
    assert everyday["Batch"].endswith("in a new order each epoch")


def test_every_change_of_the_augmentation_is_named(make_outcome: MakeOutcome) -> None:
    outcome = make_outcome(preset="everyday")
    names = [field.name for field in fields(Augmentation)]
    for name in names:
        only = replace(outcome.training, augmentation=Augmentation(**{name: 0.25}))
        assert "25" in dict(training_facts(replace(outcome, training=only)))["Changed at random"]
    everything = replace(outcome.training, augmentation=Augmentation(**dict.fromkeys(names, 0.25)))
    assert dict(training_facts(replace(outcome, training=everything)))["Changed at random"].count(",") == len(names) - 1


def test_epochs_that_were_not_enough(make_outcome: MakeOutcome) -> None:
    outcome = replace(make_outcome(preset="everyday"), training_windows=100, iterations=1_000)
    assert dict(training_facts(outcome))["Epochs"] == "25, and more to make 1,000 iterations"


@pytest.mark.parametrize(
    ("on", "sentence"),
    [
        ("unseen", "1.5, fitted on windows of unseen people"),
        ("the same person", "1.5, fitted on windows of people on whom the model was trained"),
        ("nobody", "1.5, not fitted"),
    ],
)
def test_the_windows_on_which_the_temperature_was_fitted_are_named(
    make_outcome: MakeOutcome, on: CalibratedOn, sentence: str
) -> None:
    outcome = make_outcome()
    specification = replace(outcome.specification, temperature=1.5, calibrated_on=on)
    assert dict(training_facts(replace(outcome, specification=specification)))["Temperature"] == sentence
