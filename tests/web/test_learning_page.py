"""The card of Learn in a browser: progress, result and choice by keyboard, and the page redrawn for the new model."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from browser import DESKTOP, PHONE, Browser, chromium
from labelled_files import write_labelled
from server_thread import Served, now_wrist, serving

pytestmark = pytest.mark.second_stage

TRAINING = {"preset": "people:SMALL_EVERYDAY", "threads": 1, "epochs": 2}
LONGEST_S = 300.0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a labelled recording, whose third label its model does not know."""
    folder = tmp_path_factory.mktemp("keep")
    write_labelled(folder / "recordings", "bob", 2, rename={"sitting": "<b>knitting</b>"})
    with serving(keep=folder, training=TRAINING) as found:
        yield found


@pytest.fixture(scope="module")
def page(served: Served) -> Iterator[Browser]:
    with chromium() as browser:
        browser.open(served.url("/"))
        browser.wait("return document.getElementById('learn')")
        yield browser


def text(page: Browser, selector: str) -> str:
    return str(page.run("return document.querySelector(arguments[0]).innerText", selector))


def send_samples(served: Served, watch: str) -> None:
    """Half a minute of samples."""
    signals, time_ns = now_wrist(30)
    payload = [
        {
            "name": "wrist motion",
            "time": int(at),
            "values": dict.fromkeys(("gravityX", "gravityY"), 0.0)
            | {"gravityZ": 0.0}
            | {f"acceleration{axis}": float(value) for axis, value in zip("XYZ", row, strict=True)},
        }
        for at, row in zip(time_ns, signals, strict=True)
    ]
    body = json.dumps({"messageId": 1, "sessionId": "s", "deviceId": watch, "payload": payload}).encode()
    assert served.ask("/push", body, content_type="application/json").status == 200


def test_what_is_labelled_and_why_a_way_is_not_possible_are_said(page: Browser) -> None:
    assert text(page, ".learn-people") == "bob lying 40 s, walking 40 s and <b>knitting</b> 40 s"
    assert page.run("return document.querySelectorAll('#learn b').length") == 1  # the name, and no markup of a label
    assert page.run("return document.getElementById('learn-adapt').disabled")
    about = text(page, "#learn-adapt-about")
    assert "The model does not know “<b>knitting</b>”, and its file keeps no examples of its training data" in about
    assert not page.run("return document.getElementById('learn-train').disabled")


def drawn(page: Browser, module: str, component: str, look: str, *arguments: Any) -> Any:
    """What is seen in a ``box`` with a component of a module ``m``, made with the arguments ``a``."""
    script = (
        "const [where, a, done] = arguments;"
        "Promise.all([import(where), import('/assets/preact.js')]).then(([m, { html, render }]) => {"
        "  const box = document.createElement('div'), chosen = [];"
        f"  render({component}, box); done({look});"
        "});"
    )
    return page.driver.execute_async_script(script, f"/assets/{module}", list(arguments))


@pytest.mark.parametrize(
    ("served_path", "pressed", "words"),
    [
        (None, ["false", "true"], "The starting model is used now."),
        ("new.safetensors", ["true", "false"], "The new model is used now."),
        ("old.safetensors", ["false", "false"], "A model that was learned earlier is used now."),
    ],
)
def test_the_buttons_say_which_model_labels(
    page: Browser, served_path: str | None, pressed: list[str], words: str
) -> None:
    scores = {"accuracy": 1.0, "mean_f1": 1.0, "f1": {"lying": 1.0}}
    better = {"f1": 0.2, "interval": [0.1, 0.3], "verdict": "better"}
    unknown = {"f1": -0.1, "interval": None, "verdict": "not known"}
    people = {
        "held_out": "people",
        "people": list("abcde"),
        "what": "Five people.",
        "sureness": "It is short.",
        "labels": ["lying"],
        "before": scores,
        "after": scores,
        "only_after": {},
        "decision": {"mean": better, "by_label": {"lying": unknown}},
    }
    outcome = {
        "how": "adapt",
        "labels": ["lying"],
        "tests": [people],
        "cannot_show": [],
        "kept": True,
        "has_report": True,
    }
    state = {
        "serves": "new" if served_path else "before",
        "served_path": served_path,
        "before": {"name": "everyday", "labels": ["lying"]},
    }
    found = drawn(
        page,
        "learn.js",
        "html`<${m.Result} outcome=${a[0]} state=${a[1]} onChoose=${() => {}} />`",
        "[[...box.querySelectorAll('button')].map((e) => e.ariaPressed), box.textContent]",
        outcome | {"model_path": "new.safetensors"},
        state,
    )
    assert found[0] == pressed
    assert words in found[1]
    assert ("(in use)" in found[1]) == ("true" in pressed)
    assert "The report of the training" in found[1]
    assert "People who were left out of training" in found[1]
    assert "Mean F1100 %100 %+20 (+10 to +30): better" in found[1]
    assert "F1 of lying100 %100 %−10: not decided" in found[1]
    assert "There is no test" not in found[1]


def test_a_model_is_trained_and_chosen_by_keyboard_and_its_result_stays(page: Browser, served: Served) -> None:
    send_samples(served, "wrist")
    page.wait("return document.getElementById('live')")
    assert page.run("return document.querySelectorAll('#bars li').length") == 3
    page.run("document.getElementById('learn-train').focus()")
    page.press("ENTER")
    page.wait("return document.querySelector('.learn-progress')")
    page.wait("return document.activeElement.textContent === 'Cancel'")
    page.press("ENTER")
    page.wait("return !document.querySelector('.learn-progress')")
    assert "Cancelled; nothing was changed." in text(page, "#learn")
    page.run("document.getElementById('learn-train').focus()")
    page.press("ENTER")
    page.wait("return document.querySelector('.learn-result table') !== null", seconds=LONGEST_S)
    assert "is ready" in text(page, "#learn [aria-live]")
    rows = page.run(
        "return [...document.querySelectorAll('.learn-result tbody tr')]"
        ".map((e) => [...e.children].map((c) => c.innerText))"
    )
    assert page.run("return document.querySelector('.learn-result a').getAttribute('href')").startswith(
        "/api/learn/report?model=trained-"
    )
    assert [row[0] for row in rows] == ["Accuracy", "Mean F1", "F1 of lying", "F1 of walking", "F1 of <b>knitting</b>"]
    assert rows[-1][1] == "not known"
    assert all(row[2].endswith("%") for row in rows)
    assert "All labels are of “bob”." in text(page, ".learn-result .notes")
    page.run("document.getElementById('learn-serve-new').focus()")
    page.press("ENTER")
    page.wait("return document.getElementById('learn-serve-new').getAttribute('aria-pressed') === 'true'")
    assert page.run("return document.activeElement.id") == "learn-serve-new"
    # The page shows the new model without being loaded again.
    page.wait("return document.getElementById('model-lines').innerText.includes('knitting')")
    bars = page.run("return [...document.querySelectorAll('#bars .bar-name')].map((e) => e.textContent)")
    assert bars == ["<b>knitting</b>", "lying", "walking"]
    send_samples(served, "wrist")
    page.wait("return document.getElementById('now-label').textContent !== 'listening …'")
    assert page.complaints() == []

    # The result fits a phone and the dark, and stays when the page is loaded again.
    for _ in page.looks("learn", desktop=DESKTOP, phone=PHONE):
        page.wait("return document.querySelector('.learn-result table') !== null")
    page.resize(DESKTOP)
    page.open(served.url("/"))
    page.wait("return document.querySelector('.learn-result table') !== null")
    page.run("document.getElementById('learn-serve-before').click()")
    page.wait(
        "return document.querySelectorAll('#bars li').length === 3 && "
        "!document.getElementById('model-lines').innerText.includes('knitting')"
    )
    page.wait("return document.getElementById('learn-serve-before').textContent === 'The starting model (in use)'")


def test_models_that_were_learned_earlier_can_be_used_again(page: Browser) -> None:
    models = [
        {"name": f"{name}.safetensors", "made": "2026-11-27T21:35:36+00:00", "labels": ["<b>x</b>"]} for name in "ab"
    ]
    state = {"models": models, "before": {"name": "everyday", "labels": ["lying"]}, "served_path": None}
    look = (
        "[...box.querySelectorAll('button')].map((e) => (e.click(), e.ariaLabel)), chosen, box.textContent,"
        "box.querySelectorAll('b').length"
    )

    def earlier(state: dict[str, Any]) -> Any:
        component = "html`<${m.EarlierModels} ...${a[0]} onChoose=${(one) => chosen.push(one)} />`"
        return drawn(page, "learn.js", component, f"[{look}]", state)

    labels, chosen, words, markup = earlier(state | {"outcome": None})
    assert labels == ["In use: the starting model", "Use a.safetensors", "Use b.safetensors"]
    assert chosen == ["a.safetensors", "b.safetensors"]
    assert "Models learned earlier" in words
    assert markup == 0
    outcome = {"kept": True, "model_path": "models/a.safetensors"}
    assert earlier(state | {"outcome": outcome, "served_path": "models\\b.safetensors"})[:2] == [
        ["In use: b.safetensors"],
        [],
    ]
    away: dict[str, Any] = state | {"outcome": None, "models": [], "served_path": "/old/c.safetensors"}
    labels, chosen, words, _ = earlier(away)
    assert (labels, chosen) == (["Use the starting model"], ["before"])
    assert "is used now: /old/c.safetensors." in words
    assert earlier(away | {"served_path": None})[0] == []


def test_an_answer_from_before_a_command_is_not_shown_and_a_refusal_stays(page: Browser) -> None:
    idle = {
        "enabled": True,
        "state": "idle",
        "available": {"people": [], "labels": [], "least_bout_s": 40.0, "too_short": ["a"]}
        | {"refused": {"adapt": None, "train": None}},
        "models": [],
        "before": None,
        "served_path": None,
        "outcome": None,
    }
    running = idle | {"state": "running", "stage": "read", "share": 0.0, "seconds_left": None}
    found = page.driver.execute_async_script(
        "const [idle, running, done] = arguments;"
        "const asked = [], fetched = window.fetch;"
        "window.fetch = (url, options) => url !== '/api/learn' ? fetched(url, options) : new Promise((resolve) =>"
        "  asked.push({ method: options.method,"
        "    say: (status, body) => resolve(new Response(JSON.stringify(body), { status })) }));"
        "const last = (method) => asked.findLast((one) => one.method === method);"
        "const settled = () => new Promise((resolve) => setTimeout(resolve, 50));"
        "Promise.all(['learn', 'preact'].map((name) => import(`/assets/${name}.js`)))"
        ".then(async ([{ Learn }, { html, render }]) => {"
        "  const box = document.body.appendChild(document.createElement('section')), said = [];"
        "  const draw = (changes) => render(html`<${Learn} changes=${changes} />`, box);"
        "  draw(0); await settled();"
        "  const look = () => said.push([box.querySelector('.learn-progress') !== null, box.innerText]);"
        "  last('GET').say(200, idle); await settled();"
        "  const [adapt, train] = box.querySelectorAll('.learn-ways button');"
        "  draw(1); await settled();"
        "  let old = last('GET'); adapt.click(); await settled(); look();"
        "  last('POST').say(422, { error: 'not now' }); await settled();"
        "  old.say(200, idle); await settled(); look();"
        "  draw(2); await settled();"
        "  old = last('GET'); train.click();"
        "  last('POST').say(202, running); await settled();"
        "  old.say(200, idle); await settled(); look();"
        "  said.push(box.contains(adapt) && box.contains(train));"
        "  window.fetch = fetched; render(null, box); box.remove(); done(said);"
        "});",
        idle,
        running,
    )
    starting, refused, begun, same_buttons = found
    assert not starting[0]
    assert "Starting …" in starting[1]
    assert not refused[0]
    assert "not now" in refused[1]
    assert "Starting" not in refused[1]
    assert begun[0], begun[1]
    assert "Reading the recordings …" in begun[1]
    assert "%" not in begun[1]
    assert "Too short to be tested: “a”. A test needs 40 s of each in one piece" in begun[1]
    assert same_buttons
