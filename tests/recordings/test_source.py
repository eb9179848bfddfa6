"""The samples of a source are collected where its reader put them, and copied only where there was no room."""

import numpy as np
import pytest

from harken.recordings.source import Room, Samples


def piece(room: Room, first: int, count: int) -> Samples:
    """Samples in the room's next rows."""
    time_ns, signals = room.next(count)
    time_ns[:] = np.arange(first, first + count)
    signals[:] = time_ns[:, np.newaxis]
    return Samples(time_ns, signals, np.full(count, -1, np.int16), np.ones(count, dtype=bool))


@pytest.mark.parametrize("rows", [0, 3, 9, 10, 14, 30])
def test_all_samples_are_there_whatever_room_there_was(rows: int) -> None:
    room = Room(2, rows)
    for first, count in ((0, 4), (4, 5), (9, 1), (10, 4)):
        room.add(piece(room, first, count))
    samples = room.joined()
    assert samples.time_ns.tolist() == list(range(14))
    assert samples.signals.tolist() == [[row, row] for row in range(14)]
    assert len(samples.label_codes) == len(samples.valid) == 14


def test_samples_in_the_room_are_not_copied() -> None:
    room = Room(3, 10)
    first = piece(room, 0, 4)
    room.add(first)
    room.add(piece(room, 4, 2))
    samples = room.joined()
    assert np.shares_memory(samples.time_ns, first.time_ns)
    assert np.shares_memory(samples.signals, first.signals)


def test_a_part_of_what_was_put_into_the_room_is_moved_to_its_place() -> None:
    room = Room(1, 10)
    room.add(piece(room, 0, 6).part(2, 6))
    room.add(piece(room, 6, 2))
    assert room.joined().time_ns.tolist() == [2, 3, 4, 5, 6, 7]
