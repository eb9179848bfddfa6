"""The clips of a check on their way to the page: what somebody named them, and the recordings that they are in.

Nothing here gives the page a label of the model: whoever names a clip must not know it.
"""

import asyncio
import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from harken.annotations.folders import CHECK
from harken.annotations.table import why_not_kept
from harken.labelling.check.clips import Clip, Design, match_label, read_design, read_named, write_named
from harken.labelling.settings import file_sha256
from harken.labelling.stored import StoredResults
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.support.files import writing_in_turn
from harken.timelines import UNSURE
from harken.web.annotate.opening import Opener
from harken.web.annotate.recording import MS_NS, OpenRecording

CONTEXT_MS = 5 * 60_000
"""How much of the recording is shown before and after a clip."""
READ_AT_ONCE = 2
"""The recording of the clip that is seen, and that of the next one."""
MOST_OPEN = 6
"""Recordings whose files are open."""


@dataclass(frozen=True)
class ClipRecording:
    """A recording with clips.

    Attributes:
        opened: the recording.
        reading: how it was read when it was labelled.
        sha256: of its content when it was labelled.
    """

    opened: OpenRecording
    reading: TableOptions
    sha256: str


class ClipDesk:
    """The clips of a check.

    Args:
        folder: the folder of the check.
        on_failed: called with a sentence when a recording cannot be read.

    Attributes:
        out: the folder of the study.
        design: how the clips were drawn.
        mark: tells this check from others: a page that was left open may belong to another one.

    Raises:
        HarkenError: when the design cannot be read.
    """

    def __init__(self, folder: Path, on_failed: Callable[[str], None] = lambda _: None) -> None:
        self.out = folder.parent if folder.name == CHECK else folder.resolve().parent
        design = read_design(self.out)
        if design is None or not design.clips:
            raise HarkenError(f"there are no clips; to draw some: harken check {self.out}", path=folder)
        self.design: Design = design
        content = os.fsencode(folder.resolve()) + b"\0" + msgspec.json.encode(design)
        self.mark = hashlib.sha256(content).hexdigest()[:32]
        self._clips = {clip.number: clip for clip in design.clips}
        self._recordings: OrderedDict[str, ClipRecording] = OrderedDict()  # the last one was asked for last
        self._opener = Opener(on_failed)
        self._changed = asyncio.Event()
        self._writing = asyncio.Lock()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the study that a clip can have."""
        return tuple(label for label in self.design.labels if label != UNSURE)

    def find(self, number: int) -> Clip | None:
        """Find a clip by its number."""
        return self._clips.get(number)

    async def run(self) -> None:
        """Read the recordings that are asked for, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(READ_AT_ONCE):
                    tasks.create_task(self._work())
        finally:
            for recording in self._recordings.values():
                recording.opened.close()
            self._opener.close()

    def want(self, clip: Clip, *, again: bool = False) -> OpenRecording:
        """Return the recording of a clip, which is read next.

        Args:
            clip: the clip.
            again: whether to read the recording again if that failed.

        Raises:
            HarkenError: when the results of the recording cannot be read.
        """
        known = self._recordings.get(clip.folder)
        if known is None or (again and known.opened.state == "failed"):
            self._recordings[clip.folder] = self._find_recording(clip)
        self._recordings.move_to_end(clip.folder)
        self._close_oldest()
        self._changed.set()
        return self._recordings[clip.folder].opened

    def _find_recording(self, clip: Clip) -> ClipRecording:
        labelled_by = StoredResults.open(self.out / clip.folder).summary["labelled_by"]
        try:
            reading = TableOptions(**labelled_by["reading"])
            sha256 = str(labelled_by["sha256"])
        except (KeyError, TypeError) as error:
            raise HarkenError("was not written by this version of harken", path=self.out / clip.folder) from error
        return ClipRecording(OpenRecording(clip.number, Path(clip.file), clip.subject), reading, sha256)

    def _close_oldest(self) -> None:
        for folder in list(self._recordings)[:-MOST_OPEN]:
            recording = self._recordings[folder].opened
            if recording.state != "reading":
                recording.close()
                del self._recordings[folder]

    async def _work(self) -> None:
        while True:
            waiting = [one for one in reversed(self._recordings.values()) if one.opened.state == "waiting"]
            if not waiting:
                self._changed.clear()
                await self._changed.wait()
                continue
            try:
                await self._read(waiting[0])
            except Exception as error:
                self._opener.fault(waiting[0].opened, error)

    async def _read(self, recording: ClipRecording) -> None:
        opened = recording.opened
        opened.state = "reading"
        if not opened.path.exists():
            self._opener.fail(opened, explain_moved(opened.path))
            return
        try:
            now = await asyncio.to_thread(file_sha256, opened.path)
        except HarkenError as error:
            self._opener.fail(opened, str(error))
            return
        if now != recording.sha256:
            self._opener.fail(opened, f"{opened.path} has changed since it was labelled, so its clips are not shown")
            return
        await self._opener.read(opened, recording.reading)

    async def read_names(self) -> dict[int, str]:
        """Return what somebody named the clips, by their numbers.

        Raises:
            HarkenError: when the table of clips cannot be read.
        """
        return await asyncio.to_thread(read_named, self.out, self.design)

    async def name(self, clip: Clip, text: str | None) -> str | None:
        """Name a clip. The name is on the disk when this returns.

        Args:
            clip: the clip.
            text: a label, or ``CANNOT_TELL``; None: no name any more.

        Returns:
            The name as it is spelt in the table.

        Raises:
            HarkenError: when the text cannot be a label, or the table of clips cannot be read.
            OSError: when it cannot be written.
        """
        label = None if text is None else text.strip()
        if label is not None and (reason := why_not_kept(label)) is not None:
            raise HarkenError(reason)
        async with self._writing:
            return await asyncio.to_thread(self._name, clip.number, label)

    def _name(self, number: int, label: str | None) -> str | None:
        with writing_in_turn(self.out / CHECK):
            named = read_named(self.out, self.design)
            if label is None:
                named.pop(number, None)
            else:
                named[number] = match_label(self.design, label)
            write_named(self.out, self.design, named)
            return named.get(number)


def explain_moved(path: Path) -> str:
    """Say that a recording is not where it was when it was labelled."""
    if path.is_absolute():
        return f"{path} is not there any more. Put it back, then try again; the other clips do not need it"
    return (
        f"there is no {path} in {Path.cwd()}. Put it there, or start harken annotate in the folder where harken label "
        "was started; the other clips do not need it"
    )


def describe_clip(clip: Clip, recording: OpenRecording | None, error: str | None) -> dict[str, Any]:
    """Return what the page may know of a clip and its recording: no label of the model, nor its stratum.

    Args:
        clip: the clip.
        recording: its recording; None if it cannot be read.
        error: why it cannot be read.
    """
    start_ms, end_ms = clip.start_ns // MS_NS, clip.end_ns // MS_NS
    described: dict[str, Any] = {
        "number": clip.number,
        "subject": clip.subject,
        "file": clip.file,
        "start_ms": start_ms,
        "end_ms": end_ms,
        "timezone": clip.timezone,
        "state": "failed",
        "share": None,
        "error": error,
        "from_ms": None,
        "to_ms": None,
        "sample_rate_hz": None,
    }
    if recording is None:
        return described
    about = recording.about()
    described |= {name: about[name] for name in ("state", "share", "error", "sample_rate_hz")}
    if recording.state == "ready":
        described["from_ms"] = max(start_ms - CONTEXT_MS, min(start_ms, about["start_ms"]))
        described["to_ms"] = min(end_ms + CONTEXT_MS, max(end_ms, about["end_ms"]))
    return described
