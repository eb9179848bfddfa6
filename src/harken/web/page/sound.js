/* Short sounds, made by the browser. */

const RISE_S = 0.01;
const LOUD = 0.25;

let context = null;

/** Allow sounds; browsers want this to be called while the user presses a button. */
export function allowSound() {
  if (!context && window.AudioContext) context = new AudioContext();
  context?.resume();
}

/** Sounds for the beginning and the end of a bout, a second of the countdown, and a warning: `[Hz, seconds]` in turn. */
const SOUNDS = {
  count: [[660, 0.06]],
  begin: [[880, 0.12], [1320, 0.2]],
  end: [[1320, 0.12], [880, 0.2]],
  warning: [[330, 0.2], [330, 0.2]],
};

export function play(name) {
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
    at += seconds + 0.04;
  }
}
