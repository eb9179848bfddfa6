/* A video beside the signal: a file of this machine, which is never sent, and the time at which it begins. The cursor of the
 * signal and the place in the video move each other. */

import { html, useLayoutEffect, useRef } from "./preact.js";
import { Button } from "./panels.js";
import { store, stored } from "./state.js";

const SAME_S = 0.05; // two places in a video that are not told apart
const NUDGE_MS = 100;
const TIME_FORM = /^(?:(\d{4}-\d{2}-\d{2})[T ]+)?(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,3})?))?$/;
const EXAMPLE = "2024-03-09 10:05:07.5";

/** A time by the wearer's clock in ms since 1970; NaN if the text is none. Without a date, it is on the day of `nearMs`. */
export function parseTime(text, clock, nearMs) {
  const [, date, hours, minutes, seconds = "00"] = TIME_FORM.exec(text.trim()) ?? [];
  if (!hours) return NaN;
  const day = date ?? new Date(clock.wall(nearMs)).toISOString().slice(0, 10);
  return clock.utc(Date.parse(`${day}T${hours.padStart(2, "0")}:${minutes}:${seconds}Z`));
}

/** A time by the wearer's clock as `parseTime` reads it. */
export const formatTime = (ms, clock) => new Date(clock.wall(ms)).toISOString().slice(0, 23).replace("T", " ");

/**
 * The video of a page.
 *
 * `ports`: `cursor()` gives the time of the cursor in ms; `follow(ms)` moves it and returns where it then is, NaN if it may
 * not be moved; `clock()` gives the wearer's clock; `end()`, where given, the time at which playing stops; `say(sentence)`
 * and `onChange()` are called with what was done, and when something looks different.
 */
export class Video {
  #element = null;
  #shown = NaN; // the cursor that the video shows
  #asked = NaN; // the place in the video that was asked for, in seconds
  name = null;
  url = null;
  begins = null; // ms since 1970; null while nobody has said it
  together = true; // whether the cursor and the video move each other
  trouble = null;

  constructor(ports) {
    this.ports = { end: () => Infinity, ...ports };
  }

  get #memory() {
    return `harken annotate: video ${this.name} begins`;
  }

  get #linked() {
    return this.#element !== null && this.begins !== null && this.together;
  }

  get endsAt() {
    return this.begins + 1000 * (this.#element?.duration ?? NaN);
  }

  /** Show a file of this machine. It is remembered by its name when it begins. */
  choose(file) {
    if (!file) return;
    if (this.url) URL.revokeObjectURL(this.url);
    this.name = file.name;
    this.url = URL.createObjectURL(file);
    const begins = stored(localStorage, this.#memory);
    this.begins = Number.isFinite(begins) ? begins : null;
    this.together = true;
    this.trouble = null;
    this.#shown = NaN;
    this.ports.onChange();
  }

  close() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.name = this.url = this.trouble = null;
    this.begins = null;
    this.ports.onChange();
  }

  /** The element that plays the video; null when it is gone. */
  attach(element) {
    this.#element = element;
    if (!element) return;
    const moved = () => this.#follow();
    for (const kind of ["seeking", "timeupdate"]) element.addEventListener(kind, moved);
    element.addEventListener("play", () => this.#play());
    element.addEventListener("loadedmetadata", () => this.#again());
    element.addEventListener("error", () => {
      this.trouble = `This browser cannot play ${this.name}. Convert it to MP4 (H.264) or WebM.`;
      this.ports.onChange();
    });
  }

  /** The cursor is at a time: show it, unless the video has moved it there. */
  show(ms) {
    if (!this.#linked || ms === this.#shown || !Number.isFinite(ms) || !(this.#element.readyState > 0)) return;
    this.#shown = ms;
    const before = this.trouble;
    this.trouble = this.#whyNotShown(ms);
    if (this.trouble) this.#element.pause();
    else this.#seek((ms - this.begins) / 1000);
    if (this.trouble !== before) this.ports.onChange();
  }

  #whyNotShown(ms) {
    if (ms >= this.begins && !(ms > this.endsAt)) return null;
    const clock = this.ports.clock();
    return `The video does not show this time; it lasts from ${clock.date(this.begins)}, ${clock.stretch(this.begins, this.endsAt)}.`;
  }

  #seek(seconds) {
    this.#asked = seconds;
    this.#element.currentTime = seconds;
  }

  /** The video is at another place, by its own controls or because it plays: the cursor goes there. */
  #follow() {
    const { currentTime } = this.#element;
    if (!this.#linked || Math.abs(currentTime - this.#asked) < SAME_S) return;
    this.#asked = NaN;
    const cursor = this.ports.follow(this.begins + 1000 * currentTime);
    if (Number.isNaN(cursor)) return;
    this.#shown = cursor;
    this.trouble = null;
  }

  #play() {
    const element = this.#element;
    const before = this.begins + 1000 * element.currentTime;
    const step = () => {
      if (element.paused || element !== this.#element) return;
      this.#follow();
      const end = this.#linked ? this.ports.end() : Infinity;
      if (before < end && this.begins + 1000 * element.currentTime >= end) element.pause();
      else requestAnimationFrame(step);
    };
    this.#asked = NaN;
    step();
  }

  #again() {
    this.#shown = NaN;
    this.show(this.ports.cursor());
    this.ports.onChange();
  }

  toggle() {
    if (!this.#element) return this.ports.say("There is no video; choose one first.");
    if (!this.#element.paused) return this.#element.pause();
    return this.#element.play().catch(({ message }) => this.ports.say(`The video does not play: ${message}`));
  }

  /** The video begins at a time, and is moved together with the cursor from now on. */
  setBegin(ms) {
    this.begins = Math.round(ms);
    this.together = true;
    store(localStorage, this.#memory, this.begins);
    this.ports.say(`The video begins at ${formatTime(this.begins, this.ports.clock())}.`);
    this.#again();
  }

  /** What the cursor is at and what the video shows are the same moment. */
  setSameMoment() {
    this.setBegin(this.ports.cursor() - 1000 * this.#element.currentTime);
  }

  nudge(direction) {
    this.setBegin(this.begins + direction * NUDGE_MS);
  }

  setTogether(together) {
    this.together = together;
    this.#again();
  }
}

/** Chooses a video among the files of this machine. */
export const VideoButton = ({ video }) => html`<label class="file-button" title="A video of this machine, which is not sent anywhere">
  Video …<input id="video-file" type="file" accept="video/*,.mp4,.mov,.mkv,.webm" aria-label="Choose a video"
    onChange=${({ target }) => (video.choose(target.files[0]), (target.value = ""))} /></label>`;

/** The video, and when it begins. */
export function VideoPanel({ video }) {
  if (!video.url) return null;
  const { begins, together, trouble } = video;
  return html`<section id="video-panel" class="video-panel" aria-label="Video">
    <${Player} key=${video.url} video=${video} />
    ${trouble && html`<p id="video-trouble" class="quiet" role="status">${trouble}</p>`}
    <${Begin} key=${`${video.url} ${begins}`} video=${video} />
    <div class="tools" role="group" aria-label="Video and cursor">
      <${Button} id="same-moment" title="The cursor and the video are at the same moment" act=${() => video.setSameMoment()}>Same moment<//>
      ${begins !== null && html`
        <${Button} id="video-earlier" aria-label="The video begins 0.1 s earlier" act=${() => video.nudge(-1)}>−0.1 s<//>
        <${Button} id="video-later" aria-label="The video begins 0.1 s later" act=${() => video.nudge(1)}>+0.1 s<//>
        <label class="together"><input id="together" type="checkbox" checked=${together}
          onChange=${({ target }) => video.setTogether(target.checked)} /> Move together</label>`}
      <${Button} id="close-video" act=${() => video.close()}>Close<//>
    </div>
    ${begins === null && html`<p id="video-help" class="quiet">When does it begin? Type the time by the wearer’s clock. Or move the
      cursor and the video to the same moment, such as a clap, and press <b>Same moment</b>.</p>`}
    ${begins !== null && !together && html`<p class="quiet">Move the cursor and the video to the same moment, then press
      <b>Same moment</b>.</p>`}
  </section>`;
}

function Player({ video }) {
  const element = useRef(null);
  useLayoutEffect(() => { // before the browser tells that it has loaded the file, or cannot
    video.attach(element.current);
    return () => video.attach(null);
  }, []);
  return html`<video id="video" ref=${element} src=${video.url} controls muted playsinline preload="auto" aria-label=${video.name} />`;
}

function Begin({ video }) {
  const submit = (event) => {
    event.preventDefault();
    const [field] = event.target.elements;
    const ms = parseTime(field.value, video.ports.clock(), video.ports.cursor());
    field.setCustomValidity(Number.isNaN(ms) ? `Write the time like ${EXAMPLE}` : "");
    if (Number.isNaN(ms)) field.reportValidity();
    else video.setBegin(ms);
  };
  const shown = video.begins === null ? "" : formatTime(video.begins, video.ports.clock());
  return html`<form class="video-begin" onSubmit=${submit}>
    <label for="video-begins">Begins at</label>
    <input id="video-begins" type="text" autocomplete="off" placeholder=${EXAMPLE} value=${shown}
      onInput=${({ target }) => target.setCustomValidity("")} />
    <button type="submit">Set</button>
  </form>`;
}
