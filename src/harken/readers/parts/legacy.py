"""Formats that are still read twice, as readers of the registry."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harken.readers.options import TableOptions
from harken.readers.parts.found import CannotStreamError, Found
from harken.recordings.recording import Recording
from harken.recordings.samples import Samples
from harken.recordings.source import RecordingSource, Source, SourceChangedError

__all__ = ["Legacy"]

Find = Callable[[Path, TableOptions], Found]
Read = Callable[[Path, TableOptions], Recording]


@dataclass(frozen=True)
class Legacy:
    recognises: Callable[[Path, bytes], bool]
    read: Read
    find: Find | None = None

    def open_source(self, path: Path, options: TableOptions) -> Source:
        return _Source(self, path, options)


class _Source(Source):
    def __init__(self, legacy: Legacy, path: Path, options: TableOptions) -> None:
        self._legacy, self._path, self._options = legacy, path, options
        self._find: Callable[[], Found] | None = None
        if legacy.find is not None and options.sample_rate_hz is None:
            find = legacy.find
            self._find = lambda: find(path, options)
        self._found: Found | None = None
        self._whole: RecordingSource | None = None
        self.label_names = ()
        self.streamed = True

    def __getattr__(self, name: str) -> object:
        if name in ("channels", "subject", "source", "timezone", "quality", "unusable"):
            self._look()
            return self.__dict__[name]
        raise AttributeError(name)

    def _look(self) -> None:
        while self._find is not None:
            try:
                self._found = self._find()
                break
            except CannotStreamError as error:
                self._find = error.instead
        about = self._found
        if about is None:
            self._whole = RecordingSource(self.collect())
            self.label_names, self.streamed, self.unusable = self._whole.label_names, False, ()
        else:
            self.unusable = ()
        for name in ("channels", "subject", "source", "timezone", "quality"):
            setattr(self, name, getattr(about or self._whole, name))

    def samples(self) -> Iterator[Samples]:
        if self._found is None:
            if self._whole is None:
                self._look()
            if self._whole is not None:
                yield from self._whole.samples()
                return
        assert self._found is not None
        try:
            yield from self._found.pieces()
            if self._found.concluded is not None:
                self.quality = self._found.concluded()
            if self._found.marked is not None and self._found.marked():
                self.unusable = ((0, 0),)
        except CannotStreamError as error:
            self._find, self._found = error.instead, None
            self._look()
            raise SourceChangedError from error

    def collect(self) -> Recording:
        return self._whole.collect() if self._whole is not None else self._legacy.read(self._path, self._options)
