"""The paragraphs of the packaged model's card that hold no score."""

UNSEEN_STUDIES = """\
The packaged model was trained on everybody and is never scored itself. Two kinds of models that were made in the same
way are:

- **Study left out**: trained on all studies but one, tested on all people of that one. This is what to expect of
  another laboratory and another watch, in a scripted study. Everyday life differs more, and no score here shows by how
  much.
- **New people**: trained on half of the people of all studies, tested on the other half. This is what to expect of
  somebody who would take part in one of these studies, with the same watch and the same script.

A person's score is the mean F1 over the labels that are true for this person ([the
protocol](protocols.md#leaving-a-study-out)). Windows of 10 s every 5 s, not smoothed, with x along the forearm as each
study states; in one column as `harken label` turns the watch, which it finds from walking. The random forest is tested
with its study left out, too."""

NEW_PEOPLE = """\
The column "new people" is from {folds} models, each without the people it is tested on. Both arms of a person count as
one person."""

INTENDED = """\
## What it is for

To describe what adults did while they wore an accelerometer on a wrist: hours and days of posture, walking, running,
stairs and the rest, for one person or for a study. Recordings may have any sample rate (they are resampled), may be in
g or m/s², and from either wrist. `harken label FILE... --out DIR` and `Recogniser.load()` use the model.

It is **not** for decisions about a person's health, for detecting falls, or for watching over people. The studies had
students and other adults who followed a script: no children, no patients, nobody with a walking aid or a wheelchair.
None of the studies is of old people."""

MOUNTING = """\
## How the watch must be worn

On a wrist, with x along the forearm towards the elbow, so that x measures about +1 g while the arm hangs. `harken
label` finds the orientation from walking and turns the samples. **Without a minute of walking it is only probable**, by
calm moments and the make of the watch, and labels are averaged over the ways in which it may have sat ([how well that
works](labelling.md#without-walking)). If you know the axis, state it: `--forearm-axis x`, `y`, `-x` or `-y`. Live
samples, your own windows and the ONNX model are not turned (`harken.signals.turned_by_quarters` does it). On a waist, a
thigh or an ankle the labels mean nothing."""

HANDS = """\
- **Busy hands are often missed.** In WISDM, left out of training, the posture of busy hands (typing, writing, folding,
  brushing teeth) is right in {posture} of the windows, but only {busy} of these windows are said to have busy hands.
  What the hands do is not said. Hours with busy hands are therefore a lower bound."""

FAILURES = """\
## What it does not recognise

- **Sleep.** All lying is of people who lay awake for some minutes, on request, in a laboratory: the people of DSADS on
  the back and on the right side, and those of selfBACK. A watch on a table is not in the training data either: non-wear
  must be found before the model is used.
- **Lying, sitting and standing by themselves.** At a wrist these differ only in how the arm hangs or rests, which is a
  habit of the person and of the study. They are confused more often than any other labels, lying and sitting most of
  all; sitting or lying together (sedentary) is found much better.
{hands}
- **`other` is what the studies have in it**: ball games in WISDM; a stepper, a cross trainer, rowing, jumping and
  basketball in DSADS; jumping, jumping jacks and sit-ups in Hawthorne.
- **Cycling is an exercise bike**, in DSADS and Wearable Exercise. The hands of a cyclist on a road shake, steer and
  brake.
- **Stairs** look like walking at a wrist, and a short flight is lost within a window of {window_s} s.
- **Sitting of Stress-Predict, Wearable Exercise and Exam Stress was assumed** from what people were to do; nobody
  annotated it.
- **Sensors differ.** WISDM and the Empatica watches are cut off at 2 g, Hawthorne has 12.5 Hz."""
