"""Which learned model was chosen, kept in the folder of models, so that it labels after a restart, too."""

import json
from pathlib import Path

from harken.models.recogniser import Recogniser
from harken.support.errors import HarkenError
from harken.support.files import write_text

CHOICE = "chosen.json"


def chosen_model(folder: Path, before: Recogniser) -> Path | None:
    """The chosen model in a folder; None if the previous model was chosen, or it was chosen beside another one."""
    try:
        choice = json.loads((folder / CHOICE).read_text(encoding="utf-8"))
        path = folder / Path(choice["model"]).name
        if choice["before"] != before.model_.digest:
            return None
        Recogniser.load(path)
    except (OSError, ValueError, KeyError, TypeError, HarkenError):  # nothing was chosen, or the model is gone
        return None
    return path


def remember_choice(folder: Path, before: Recogniser, path: Path | None) -> None:
    """Keep the choice of a model in the folder; None: the previous model.

    Raises:
        OSError: when it cannot be written.
    """
    if path is None:
        (folder / CHOICE).unlink(missing_ok=True)
    else:
        write_text(folder / CHOICE, json.dumps({"model": path.name, "before": before.model_.digest}) + "\n")
