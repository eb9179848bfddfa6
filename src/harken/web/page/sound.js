/* Sounds and vibration, for somebody who does not look at the page; and a screen that stays on. */

import { useEffect } from "./preact.js";

const RISE_S = 0.01;
const PAUSE_S = 0.04;
const LOUD = 0.25;
const SOUNDS = {
  count: [[660, 0.06]],
  begin: [[880, 0.12], [1320, 0.2]],
  end: [[1320, 0.12], [880, 0.2]],
  warning: [[330, 0.2], [330, 0.2]],
};
let context = null;

/** Browsers allow sounds when this is called while the user presses a button. */
export function allowSound() {
  if (!context && window.AudioContext) context = new AudioContext();
  context?.resume();
}

/** Whether the user has pressed something since the page was loaded, so that it may sound. */
export const isSoundAllowed = () => context !== null;

/** Play `count`, `begin`, `end` or `warning`. */
export function playSound(name) {
  if (!context) return;
  let at = context.currentTime;
  for (const [hertz, seconds] of SOUNDS[name]) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(LOUD, at + RISE_S); // without a ramp there is a click
    volume.gain.setValueAtTime(LOUD, at + seconds - RISE_S);
    volume.gain.linearRampToValueAtTime(0, at + seconds);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds + PAUSE_S;
  }
}

/** Vibrate where the device can, for these milliseconds, or in turn for and not for them. */
export function vibrate(milliseconds) {
  if (isSoundAllowed()) navigator.vibrate?.(milliseconds); // browsers have the same rule for it
}

/** Only pages of an address with https, and of this machine, can keep the screen on. */
export const canKeepScreenOn = () => Boolean(navigator.wakeLock);

/** Keep the screen on as long as it is `wanted`. */
export function useScreenOn(wanted) {
  useEffect(() => {
    if (!wanted || !canKeepScreenOn()) return undefined;
    let lock = null;
    let ended = false;

    async function hold() {
      if (document.visibilityState !== "visible") return; // a hidden page loses it
      const held = await navigator.wakeLock.request("screen").catch(() => null);
      if (ended) held?.release();
      else lock = held;
    }

    hold();
    document.addEventListener("visibilitychange", hold);
    return () => {
      ended = true;
      document.removeEventListener("visibilitychange", hold);
      lock?.release();
    };
  }, [wanted]);
}
