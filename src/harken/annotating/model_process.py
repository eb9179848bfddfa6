"""The process that labels a recording with a model."""

import time
from pathlib import Path
from typing import Any

from harken.annotating.suggestions import Suggestions
from harken.readers.options import TableOptions
from harken.server.background import Send

SENT_S = 0.25


def suggest(send: Send, path: str, options: dict[str, Any], model: str, file: str) -> None:
    """Label a recording as ``harken label`` does, and write the ``Suggestions`` to a file.

    Messages: ``share`` with the share of the recording that is labelled.

    Args:
        send: sends a message.
        path: the recording.
        options: the fields of ``TableOptions``.
        model: the model file.
        file: the file to write.

    Raises:
        HarkenError: when the recording cannot be labelled.
        OSError: when the file cannot be written.
    """
    from harken.labelling.file import label_file
    from harken.labelling.settings import LabelSettings
    from harken.support.resources import usable_cores

    sent_s = time.monotonic()

    def on_share(share: float) -> None:
        nonlocal sent_s
        if time.monotonic() - sent_s >= SENT_S:
            sent_s = time.monotonic()
            send(type="share", share=share)

    labelled = label_file(
        path,
        model=model,
        settings=LabelSettings(reading=TableOptions(**options)),
        on_share=on_share,
        cores=max(1, usable_cores() - 1),  # one is left for the page and its server
    )
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Suggestions.of(labelled.timeline, labelled.warnings).write(Path(file))
