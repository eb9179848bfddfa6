"""The columns of the tables of outcomes: movement, intensity, steps, rhythm and nights."""

from harken.outcomes.intensity import BOUT_MINUTES, LEVELS, SHARE_PERCENT
from harken.support.columns import Column

NON_WEAR = "rest on two axes without a breath; with a coarse sensor, rest for an hour"
VAN_HEES_2011 = "van Hees and others, PLoS ONE 6(7), 2011"
VAN_HEES_2013 = "van Hees and others, PLoS ONE 8(4), 2013"
VAN_HEES_2015 = "van Hees and others, PLoS ONE 10(11):e0142533, 2015"
VAN_HEES_2018 = "van Hees and others, Scientific Reports 8:12975, 2018"
VAHA_YPYA_2015 = "Vähä-Ypyä and others, Clinical Physiology and Functional Imaging 35, 2015"
HILDEBRAND_2014 = "Hildebrand and others, Medicine and Science in Sports and Exercise 46, 2014"
HILDEBRAND_2017 = "Hildebrand and others, Scandinavian Journal of Medicine and Science in Sports 27, 2017"
WITTING_1990 = "Witting and others, Biological Psychiatry 27, 1990"
VAN_SOMEREN_1999 = "Van Someren and others, Chronobiology International 16, 1999"

TUDOR_LOCKE_2011 = "Tudor-Locke and others, Preventive Medicine 53, 2011"

ENMO = "the mean of the acceleration's length minus 1 g, and 0 where this is negative"

STEPS = Column(
    name="steps",
    kind="number",
    meaning="footsteps while the label is walking, stairs or running; empty if they are unknown",
    method="the time on foot multiplied by the cadence, which is found by autocorrelation of the three axes",
)
"""Made by ``steps.with_steps``, and summed up by ``tables``."""

BOUT_STEPS = (
    STEPS,
    Column(
        name="cadence",
        kind="number",
        unit="steps a minute",
        meaning="the steps divided by the length of the bout; only of bouts on foot",
    ),
)
"""Made by ``steps.with_bout_steps``."""

DAY_CADENCE = (
    Column(
        name="peak_cadence_1",
        kind="number",
        unit="steps a minute",
        meaning="the steps in the busiest minute of the clock",
        source=TUDOR_LOCKE_2011,
    ),
    Column(
        name="peak_cadence_30",
        kind="number",
        unit="steps a minute",
        meaning="the mean of the 30 busiest minutes, which need not follow one another",
        source=TUDOR_LOCKE_2011,
    ),
)
"""Made by ``steps.day_cadence``."""

MOVEMENT = (
    Column(name="start", kind="time", meaning="where the row begins; it ends five seconds later", ggir="timestamp"),
    Column(
        name="enmo_mg", kind="number", unit="mg", meaning="movement", method=ENMO, source=VAN_HEES_2013, ggir="ENMO (g)"
    ),
    Column(
        name="mad_mg",
        kind="number",
        unit="mg",
        meaning="movement",
        method="the mean distance of the acceleration's length from its mean over the row",
        source=VAHA_YPYA_2015,
        ggir="MAD (g)",
    ),
    Column(
        name="angle_z_degrees",
        kind="number",
        unit="degrees",
        meaning="the angle between the acceleration and the plane of the watch's face; 90: the face points up",
        method="the mean of the angles of the samples; GGIR takes the angle of a rolling median",
        source=VAN_HEES_2015,
        ggir="anglez",
    ),
    Column(
        name="valid_s",
        kind="number",
        unit="seconds",
        meaning="how much of the row has valid samples, 0 to 5",
    ),
    Column(
        name="wear",
        kind="true or false",
        meaning="false where the watch was not worn; missing without a valid sample; true elsewhere, also if non-wear "
        "was not looked for",
        method=NON_WEAR,
        source=VAN_HEES_2011,
    ),
    STEPS,
)
"""``movement.parquet``, made by ``MovementRows.frame`` and ``steps.with_steps``."""

LABELLED = (
    Column(name="recorded_hours", kind="number", unit="hours", meaning="time with samples", ggir="N hours"),
    Column(
        name="wear_hours",
        kind="number",
        unit="hours",
        meaning="time with samples in which the watch was worn",
        method=NON_WEAR,
        source=VAN_HEES_2011,
        ggir="N valid hours",
    ),
    Column(
        name="hours_LABEL",
        kind="number",
        unit="hours",
        meaning="time with this label while the watch was worn; also `hours_unsure` if a limit was set",
        method="the sum of the timeline's rows with this label",
    ),
)
"""Made by ``tables.label_columns`` and ``Timeline.daily``."""

VALID_DAY = Column(
    name="valid_day",
    kind="true or false",
    meaning="whether the watch was worn for 16 hours (or `--valid-day`) or more on this date",
)
"""Made by ``tables.with_valid_day``."""

LIMITS_OF_GGIR = dict(
    zip(
        LEVELS,
        ("[0,{light})", "[{light},{moderate})", "[{moderate},{vigorous})", "[{vigorous},8e+03)"),
        strict=True,
    )
)
"""GGIR names the time at a level by its limits in mg."""


def _bout(minutes: int) -> Column:
    return Column(
        name=f"minutes_mvpa_bouts_{minutes}",
        kind="number",
        unit="minutes",
        meaning=f"moderate and vigorous time in bouts of {minutes} min or more",
        method=f"bouts begin and end with a moderate or vigorous row, at least {SHARE_PERCENT} % of their rows are, "
        "and no break is longer than a minute; rows of a break do not count",
        source="GGIR, `bout.metric = 6`",
        ggir=f"MVPA_E5S_B{minutes}M{SHARE_PERCENT}%_T{{moderate}}_ENMO",
    )


INTENSITY = (
    Column(
        name="enmo_mg",
        kind="number",
        unit="mg",
        meaning="movement: the mean over the time worn",
        method=f"{ENMO}; GGIR fills time without wear first",
        source=VAN_HEES_2013,
        ggir="mean_ENMO_mg_0-24hr",
    ),
    *(
        Column(
            name=f"minutes_{level}",
            kind="number",
            unit="minutes",
            meaning=f"{level} time while the watch was worn",
            method="time in rows of five seconds between the limits of `--cut-points`",
            source=HILDEBRAND_2014 if level in ("moderate", "vigorous") else HILDEBRAND_2017,
            ggir=f"{LIMITS_OF_GGIR[level]}_ENMO_mg_0-24hr",
        )
        for level in LEVELS
    ),
    Column(
        name="minutes_mvpa",
        kind="number",
        unit="minutes",
        meaning="moderate and vigorous time together",
        source=HILDEBRAND_2014,
        ggir="MVPA_E5S_T{moderate}_ENMO",
    ),
    *map(_bout, BOUT_MINUTES),
    STEPS,
)
"""Made by ``tables.movement_columns``."""


def _extreme(name: str, hours: str, which: str) -> tuple[Column, Column]:
    return (
        Column(
            name=f"{name}_mg",
            kind="number",
            unit="mg",
            meaning=f"the mean ENMO of the {hours} hours with the {which} movement",
            method="at least 80 % of the stretch must be worn",
            source=WITTING_1990,
            ggir=f"{name.upper()}_ENMO_mg_0-24hr",
        ),
        Column(
            name=f"{name}_start",
            kind="text",
            unit="HH:MM",
            meaning="when this stretch begins by the wearer's clock",
            source=WITTING_1990,
            ggir=f"{name[0].upper()}{name[1:]}hr_ENMO_mg_0-24hr (hours)",
        ),
    )


LEVELS_OF_THE_DAY = (
    *_extreme("l5", "five", "least"),
    *_extreme("m10", "ten", "most"),
    Column(
        name="relative_amplitude",
        kind="number",
        meaning="1 for complete rest at night, 0 for no difference between day and night",
        method="(M10 - L5) / (M10 + L5)",
        source=WITTING_1990,
    ),
)
"""Made by ``rhythm.day_rhythm``, and by ``rhythm.rhythm`` for the average day."""

REGULARITY = (
    Column(
        name="interdaily_stability",
        kind="number",
        meaning="the share of the variance of hourly means that the hour of the day explains: 1 if all days are the "
        "same",
        method="hourly means of ENMO; needs five valid days",
        source=VAN_SOMEREN_1999,
        ggir="IS",
    ),
    Column(
        name="intradaily_variability",
        kind="number",
        meaning="near 0 for one long rest and one long activity a day, 2 for movement at random",
        method="the mean squared difference between neighbouring hours divided by the variance of hours; needs three "
        "valid days",
        source=VAN_SOMEREN_1999,
        ggir="IV",
    ),
)
"""Made by ``rhythm.rhythm``."""

SEGMENT = (
    Column(name="segment", kind="text", meaning="the name of the segment, from the file of `--segments`"),
    Column(name="date", kind="date", meaning="the day on which the segment begins", ggir="calendar_date"),
    Column(name="start", kind="time", meaning="where the segment begins"),
    Column(name="end", kind="time", meaning="where the segment ends"),
)
"""Made by ``segments.segment_stretches``."""

NIGHTS = (
    Column(
        name="date",
        kind="date",
        meaning="the day on whose evening the night begins",
        ggir="calendar_date",
    ),
    Column(
        name="onset",
        kind="time",
        meaning="where the sleep period begins; empty if no night was found, like all columns up to `gap_minutes`",
        method="the start of the first sustained inactivity bout that overlaps the longest rest (HDCZA) between two "
        "noons, or the night in the diary",
        source=VAN_HEES_2018,
        ggir="sleeponset_ts",
    ),
    Column(
        name="wake",
        kind="time",
        meaning="where the sleep period ends",
        method="the end of the last such bout",
        source=VAN_HEES_2018,
        ggir="wakeup_ts",
    ),
    Column(name="midpoint", kind="time", meaning="the middle between onset and wake"),
    Column(
        name="duration_hours",
        kind="number",
        unit="hours",
        meaning="from onset to wake, time that passed",
        source=VAN_HEES_2018,
        ggir="SptDuration",
    ),
    Column(
        name="inactive_minutes",
        kind="number",
        unit="minutes",
        meaning="known time from onset to wake in sustained inactivity bouts",
        method="stretches of more than five minutes in which the angle never changes by more than 5 degrees from row "
        "to row",
        source=VAN_HEES_2015,
        ggir="SleepDurationInSpt (hours)",
    ),
    Column(
        name="wake_minutes",
        kind="number",
        unit="minutes",
        meaning="the other known time from onset to wake (wake after onset)",
        source=VAN_HEES_2015,
        ggir="WASO (hours)",
    ),
    Column(
        name="awakenings",
        kind="number",
        meaning="how often inactivity was interrupted",
        ggir="number_of_awakenings",
    ),
    Column(
        name="efficiency",
        kind="number",
        meaning="inactive time as a share of known time from onset to wake, 0 to 1",
        ggir="sleep_efficiency_after_onset (part 5)",
    ),
    Column(
        name="non_wear_minutes",
        kind="number",
        unit="minutes",
        meaning="time from onset to wake in which the watch was not worn",
        method=NON_WEAR,
        source=VAN_HEES_2011,
        ggir="nonwear_perc_spt (%)",
    ),
    Column(
        name="gap_minutes",
        kind="number",
        unit="minutes",
        meaning="time from onset to wake without valid samples",
    ),
    Column(
        name="window_wear_hours",
        kind="number",
        unit="hours",
        meaning="known time in the window, from noon to noon, in which the night was searched",
        ggir="fraction_night_invalid (the rest, as a share)",
    ),
    Column(
        name="threshold_degrees",
        kind="number",
        unit="degrees",
        meaning="the limit of rest; empty with a diary",
        method="`published`: the 10th percentile of the median change of the angle over five minutes, times 15, 0.13 "
        "to 0.5; `ggir-0.2`: 0.2",
        source=VAN_HEES_2018,
    ),
    Column(name="source", kind="text", meaning="`movement`, `diary_guide` or `diary`", ggir="guider"),
    Column(
        name="complete",
        kind="true or false",
        meaning="whether a night was found, its window has at least 16 hours of wear, and some of the five minutes "
        "before onset and after wake are known",
    ),
)
"""``nights.csv``, made by ``nights.nights``."""
