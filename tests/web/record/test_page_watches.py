"""The card of recording with labels while another watch is chosen, with answers that come when the test says so."""

import re
from typing import Any

import pytest

from browser import Browser
from page_modules import said

pytestmark = pytest.mark.second_stage


OTHER_WATCH = """(async () => {
  const {html, render} = await import("./preact.js");
  localStorage.setItem("harken-record", JSON.stringify({countdown: 0}));
  const open = {};
  const nothing = {possible: true, why_not: null, labels: ["walking"], sessions: []};
  const state = (watch) => ({...nothing, open: open[watch] ?? null,
    others: Object.values(open).filter((one) => one.watch !== watch)});
  const bout = {label: "walking", start_ms: 0, end_ms: 9000, seconds: 9};
  const asked = [];
  let release = null;
  window.fetch = async (url, {body, method}) => {
    const name = String(url).split("?")[0].split("/").pop();
    const {watch} = body ? JSON.parse(body) : Object.fromEntries(new URL(url, location).searchParams);
    if (name === "colours") return Response.json({});
    if (name === "teach") return Response.json({possible: false});
    if (method === "GET") return Response.json(state(watch));
    asked.push(`${name} ${watch}`);
    if (name === a[0]) await new Promise((answer) => (release = answer));
    if (a[1]) return Response.json({error: "no space left"}, {status: 507});
    if (name === "end") delete open[watch];
    else open[watch] = {watch, label: "walking", start_ms: 0, seconds: 0};
    return Response.json(name === "end" ? {bout, missing_s: 0} : state(watch));
  };
  const model = {labels: ["walking"]};
  const show = (watch) => render(html`<${m.Record} watch=${watch} there=${true} model=${model}
    reached=${true} changes=${0} silenceS=${() => 0} onShow=${() => {}} />`, document.body);
  const part = (name) => document.getElementById(`record-${name}`);
  const text = (name) => part(name)?.textContent.trim() ?? "";
  const shown = () => [document.getElementById("record").dataset.state, text("said") + text("wrong")];
  const until = async (holds) => {
    for (let tries = 0; !holds() && tries < 500; tries++) await new Promise((done) => setTimeout(done, 5));
  };
  const idle = () => document.getElementById("record") && !part("begin")?.disabled;
  if (a[0] === "end") open.A = {watch: "A", label: "walking", start_ms: 0, seconds: 9};
  show("A");
  await until(idle);
  document.querySelector("#record-labels button")?.click();
  await until(() => part("label")?.value !== "");
  if (a[0] === "end") part("stop").click();
  else part("choose").requestSubmit();
  await until(() => release);
  show("B");
  await until(() => document.getElementById("record"));
  release();
  await until(idle);
  await until(() => Boolean(text("others").includes("A: walking")) === Boolean(open.A));
  const other = [...shown(), part("others") === null];
  show("A");
  await until(idle);
  return [asked, other, shown()];
})()"""


@pytest.mark.parametrize(
    ("step", "fails", "other", "first"),
    [
        ("begin", False, ["idle", "", False], ["recording", ""]),
        ("begin", True, ["idle", "A: No space left.", True], ["idle", ""]),
        ("end", False, ["idle", "A: Kept 9 s of walking. The last 3 s were left out.", True], ["idle", ""]),
        ("end", True, ["idle", "A: No space left.", False], ["recording", ""]),
    ],
)
def test_an_answer_about_one_watch_is_not_shown_as_that_of_another(
    step: str, fails: bool, other: list[Any], first: list[Any], modules: Browser
) -> None:
    """Another watch is chosen while the step of the first one is not answered yet."""
    modules.open(re.sub("[^/]*$", "record.css", modules.run("return location.href")))  # a page without scripts
    asked, shown_other, shown_first = said(modules, "record.js", OTHER_WATCH, step, fails)
    assert asked == [f"{step} A"]
    assert shown_other == other
    assert shown_first == first
