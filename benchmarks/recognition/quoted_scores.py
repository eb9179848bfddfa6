"""Text of the page on unseen people that quotes scores of publications and of runs that were replaced later.

The scores are in docs/results/quoted_scores.json, because no benchmark here measures them again.
"""

from collections.abc import Mapping
from typing import Any

__all__ = ["AGAIN", "computed_again", "notebook_in_2018", "published", "short"]

AGAIN = (
    "WISDM `harnet` and DSADS `unseen` were first computed with larger rotations (20 and 15 degrees), half of the "
    "windows mirrored and half with the watch worn the other way round, and a network that did not see the whole "
    "window: {first_run[wisdm_harnet]} and {first_run[dsads_unseen]}, where a random forest had "
    "{first_run[dsads_unseen_random_forest]}. After these scores were known, all of this was chosen again, only on "
    "the choosing people, and both were computed again: {second_run[wisdm_harnet]} and {second_run[dsads_unseen]}.",
    "Then the network got the window's spectrum, again chosen only on the choosing people (one seed: DSADS "
    "{spectrum_on_choosing_people[dsads_with]} with it and {spectrum_on_choosing_people[dsads_without]} without, on "
    "four of the eight folds; WISDM {spectrum_on_choosing_people[wisdm_with]} and "
    "{spectrum_on_choosing_people[wisdm_without]}). Both were computed a third time: {third_run[wisdm_harnet]} and "
    "{third_run[dsads_unseen]}. The spectrum improved the score of WISDM's choosing people by "
    "{spectrum_on_choosing_people[wisdm_gain]} and not that of its test people. It stays, because nothing is chosen "
    "by the test people.",
    "Training on DSADS and testing on WISDM was computed twice with the same code, and so was the reverse: on an "
    "Intel Xeon, whose results were lost with the machine ({intel_xeon[dsads_to_wisdm]} for the first), and on an "
    "AMD EPYC ({earlier_amd_epyc[dsads_to_wisdm]} for the first). The rounding of the processor can change a score "
    "by this much.",
    "WISDM `harnet` and DSADS `unseen` were trained once more, with the same code on another processor (AMD EPYC, "
    "family 26), to get the models of the folds with which adaptation begins: "
    "{fold_models_for_adaptation[wisdm_harnet]} and {fold_models_for_adaptation[dsads_unseen]}.",
    "WISDM `harnet` and the two benchmarks across data sets were then computed with the same code on that processor "
    "(family 26), so that one run holds DeepConvLSTM and the notebook's network beside `everyday`: "
    "{now[wisdm_harnet]}, {now[dsads_to_wisdm]} trained on DSADS, and {now[wisdm_to_dsads]} trained on WISDM. "
    "Before, on an Intel Xeon and another EPYC, they were {earlier_amd_epyc[wisdm_harnet]}, "
    "{earlier_amd_epyc[dsads_to_wisdm]} and {earlier_amd_epyc[wisdm_to_dsads]}. Nothing was chosen in between. These "
    "are the tables above.",
    "The same holds for DSADS `unseen` and `unseen-19`: {now[dsads_unseen]} and {now[dsads_unseen_19]}; "
    "before, on an Intel Xeon and another EPYC, {earlier_amd_epyc[dsads_unseen]} and "
    "{earlier_amd_epyc[dsads_unseen_19]}.",
    "Tried on the choosing people beside the spectrum, and not kept: a wider network (WISDM "
    "{tried_on_choosing_people_of_wisdm[wider_network]}), two smaller ones together "
    "({tried_on_choosing_people_of_wisdm[two_smaller_networks]}), dropout of whole channels, and averaging with the "
    "predictions for the other arm (no gain). These trials used half precision and have no table. `harken benchmark` "
    "with the protocols `harnet-choosing` and `unseen-choosing`, at commits 5d2e54a and f1e9c6d, compares the "
    "network with and without the spectrum.",
)
"""Everything that was computed again after test scores were known, a paragraph each; none may be left out."""


Quoted = Mapping[str, Any] | None
"""The content of quoted_scores.json; None where it is not there, and then there is no text."""


def short(score: float) -> str:
    """A score as text prints it: ``.816``."""
    return f"{score:.3f}".removeprefix("0")


def computed_again(quoted: Quoted, now: Mapping[str, str]) -> list[str]:
    """The paragraphs of ``AGAIN`` with their scores.

    Args:
        quoted: the scores of earlier runs.
        now: benchmark -> the recipe's score in the committed result, as text prints it.
    """
    if quoted is None:
        return []
    runs = {name: run for name, run in quoted.items() if isinstance(run, dict)}
    scores = {name: {key: short(score) for key, score in run.items()} for name, run in runs.items()}
    return [paragraph.format(**scores, now=now) for paragraph in AGAIN]


def published(quoted: Quoted, *, people: int) -> list[str]:
    """The scores of a publication on WISDM, of which ``people`` are in the committed result."""
    if quoted is None:
        return []
    theirs = quoted["yuan_2024"]
    forest, resnet, harnet = (short(theirs[name]) for name in ("random_forest", "resnet", "harnet"))
    return [
        f"For orientation, not for comparison ({theirs['people']} people instead of {people}, and so other folds): "
        "Yuan "
        'et al., "Self-supervised learning for human activity recognition using 700,000 person-days of wearable data", '
        f"npj Digital Medicine 7:91, 2024, report for their protocol on this data set a random forest at {forest}, a "
        f"ResNet trained from scratch at {resnet}, and HARNet, pre-trained on 700,000 person-days, at {harnet}."
    ]


def notebook_in_2018(quoted: Quoted) -> str:
    """The notebook's two scores in a sentence."""
    if quoted is None:
        return ""
    same, cross = (quoted["notebook_2018"][f"{test}_person_accuracy"] for test in ("same", "cross"))
    return f"The 2018 notebook scored {100 * same:g} % on its training person and {100 * cross:g} % on the next one. "
