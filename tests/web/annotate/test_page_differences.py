"""Places where a person's labels and the model's differ: beside seconds that are painted in Python."""

import random
from itertools import groupby, pairwise
from typing import Any

import pytest

from browser import Browser
from page_modules import said

END_S = 300
KNOWN = ("sitting", "standing_still", "walking")
LEAST_S = 10
Bout = dict[str, Any]

FOUND = "m.differences(a[0], a[1], a[2])"
NEXT = "a[1].map(([ms, direction]) => m.nextPlace(a[0], ms, direction))"
WORDS = """(() => {
  const clock = {stretch: (start, end) => `${start / 1000} to ${end / 1000}`};
  return [m.differences(a[0], a[1], a[2])].map((places) => [
    places.map((_, number) => m.wordsOf(places, number, clock)),
    [1, -1].map((direction) => m.wordsOfNone(places, direction, a[0], a[2])),
  ])[0];
})()"""


def bout(start_s: float, end_s: float, label: str, probability: float = 0.8) -> Bout:
    return {"start_ms": 1000 * start_s, "end_ms": 1000 * end_s, "label": label, "probability": probability}


def random_bouts(made: random.Random, labels: tuple[str, ...]) -> list[Bout]:
    edges = sorted(made.sample(range(END_S), 14))
    return [bout(start, end, made.choice(labels)) for start, end in pairwise(edges) if made.random() < 0.8]


def painted(bouts: list[Bout]) -> list[tuple[int, str] | None]:
    """The bout and label of each second."""
    seconds: list[tuple[int, str] | None] = [None] * END_S
    for number, each in enumerate(bouts):
        for second in range(each["start_ms"] // 1000, each["end_ms"] // 1000):
            seconds[second] = number, each["label"].replace(" ", "_").lower()
    return seconds


@pytest.mark.parametrize("seed", range(20))
def test_places_are_the_seconds_with_two_labels(modules: Browser, seed: int) -> None:
    made = random.Random(seed)
    own = random_bouts(made, (*KNOWN, "Standing still", "zumba"))
    model = random_bouts(made, KNOWN)
    expected = []
    both = zip(painted(own), painted(model), strict=True)
    for (mine, theirs), seconds in groupby(enumerate(both), key=lambda second: second[1]):
        times = [second for second, _ in seconds]
        if mine is None or theirs is None or mine[1] == theirs[1] or mine[1] not in KNOWN:
            continue
        if len(times) >= LEAST_S:
            expected.append((1000 * times[0], 1000 * (times[-1] + 1), mine[1], theirs[1]))
    found = said(modules, "differences.js", FOUND, own, model, KNOWN)
    names = [(each["label"].replace(" ", "_").lower(), each["other"]) for each in found]
    assert [(each["start_ms"], each["end_ms"], *name) for each, name in zip(found, names, strict=True)] == expected


def test_each_place_is_reached_in_both_directions_and_none_twice(modules: Browser) -> None:
    places = [bout(start, start + 15, "sitting") for start in (0, 20, 100)]
    middles = [7500, 27500, 107500]
    forth = said(modules, "differences.js", NEXT, places, [[ms, 1] for ms in (0, *middles)])
    assert forth == [0, 1, 2, -1]
    back = said(modules, "differences.js", NEXT, places, [[ms, -1] for ms in (300_000, *reversed(middles))])
    assert back == [2, 1, 0, -1]


def test_words_say_what_differs_and_how_many_are_left(modules: Browser) -> None:
    own = [bout(0, 60, "sitting"), bout(60, 100, "zumba"), bout(100, 160, "standing_still")]
    model = [bout(0, 40, "walking", 0.83), bout(40, 55, "standing_still", 0.5), bout(55, 130, "sitting", 0.999)]
    words, none = said(modules, "differences.js", WORDS, own, model, KNOWN)
    assert words == [
        "Difference 1 of 3, 2 left: you say sitting, the model walking (83 %). Marked 0 to 40, 40 s.",
        "Difference 2 of 3, 1 left: you say sitting, the model standing still (50 %). Marked 40 to 55, 15 s.",
        "Difference 3 of 3, none left: you say standing still, the model sitting (> 99 %). Marked 100 to 130, 30 s.",
    ]
    assert none == [
        "There is no later place where your labels and the model’s differ; 3 are earlier.",
        "There is no earlier place where your labels and the model’s differ; 3 are later.",
    ]


def test_it_is_said_why_there_is_no_place(modules: Browser) -> None:
    model = [bout(0, 60, "walking")]
    for own, sentence in (
        ([], "There is no label yet that could differ from the model’s."),
        ([bout(0, 60, "walking")], "Your labels and the model’s differ nowhere for 10 s or longer."),
        (
            [bout(0, 9, "sitting"), bout(9, 50, "zumba"), bout(50, 60, "slow_dance")],
            "Your labels and the model’s differ nowhere for 10 s or longer. Not compared, because the model does not "
            "know it: zumba and slow dance.",
        ),
    ):
        _, none = said(modules, "differences.js", WORDS, own, model, KNOWN)
        assert none == [sentence, sentence]
