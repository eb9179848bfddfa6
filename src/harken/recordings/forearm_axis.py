"""The axes of a sensor on the arm, and the sign of gravity. NumPy is not imported, so that the options of commands can
be."""

from typing import Annotated, Literal

from harken.support.options import Option

ForearmAxis = Literal["x", "y", "-x", "-y"]
"""The axis of a sensor that points along the forearm towards the elbow. It measures about +1 g when the arm hangs."""
GravitySign = Literal["positive", "negative"]
"""The sign of z when the sensor lies face up; Apple's is negative."""
Orientation = Annotated[
    bool,
    Option(
        "Do not correct the orientation of a watch, even if the model recognises walking only with another "
        "orientation.",
        off="--no-orientation",
    ),
]
StatedAxis = Annotated[
    ForearmAxis | None,
    Option(
        "The axis of the sensor that points along the forearm towards the elbow, so that it measures about +1 g when "
        "the arm hangs. [default: found by walking, or by calm moments]",
        flag="--forearm-axis",
    ),
]
