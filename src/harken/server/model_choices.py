"""The models that a hub is to label with, which are taken between two ticks, and how a model labels live."""

import asyncio
from collections.abc import Callable

from harken.labelling.live import LiveSettings, StreamSpecification
from harken.models.recogniser import Recogniser
from harken.support.errors import HarkenError

HOP_S = 1.0


def live_specification(recogniser: Recogniser) -> StreamSpecification:
    """The specification and settings of the streams that a model labels.

    Raises:
        HarkenError: when its channels are not acceleration ``x, y, z``.
    """
    specification = recogniser.specification_
    if specification.channels != ("x", "y", "z"):
        raise HarkenError(
            f"the model needs the channels {', '.join(specification.channels)}, but live samples are x, "
            "y, z; choose another model"
        )
    return StreamSpecification(specification, LiveSettings(hop_s=min(HOP_S, specification.hop_s)))


class ModelChoices:
    """Chosen models in their order.

    Args:
        wake: called when a model is chosen.
    """

    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake
        self._waiting: list[tuple[Recogniser, asyncio.Future[None]]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    async def put(self, recogniser: Recogniser) -> None:
        """Choose a model; returns when it is used. Raises what ``use`` of ``take`` raises."""
        used: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((recogniser, used))
        self._wake()
        await used

    def take(self, use: Callable[[Recogniser], None]) -> None:
        """Call ``use`` with each chosen model; an error is raised by the ``put`` of that model."""
        waiting, self._waiting = self._waiting, []
        for recogniser, used in waiting:
            try:
                use(recogniser)
            except Exception as error:  # it must not end the hub, which goes on with the previous model
                if not used.done():
                    used.set_exception(error)
            else:
                if not used.done():
                    used.set_result(None)

    def close(self) -> None:
        """Cancel the choices that wait."""
        for _, used in self._waiting:
            used.cancel()
