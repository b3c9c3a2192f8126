"""The thread that writes snapshots: a manifest behind its chunks, what goes behind the manifest, and errors told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kafka.errors import KafkaTimeoutError

from detector.snapshots.writer import IN_FLIGHT_BYTES, WAITING, Writer, Written
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator


class Future:
    """A record that was sent; waiting for it is noted, or fails."""

    def __init__(self, producer: Producer, key: bytes) -> None:
        self._producer = producer
        self._key = key

    def get(self, timeout: float) -> None:
        """Note that somebody knows it has arrived."""
        assert timeout > 0
        if self._key in self._producer.refused:
            raise KafkaTimeoutError("nobody took it")
        self._producer.done.append(b"arrived " + self._key)


class Producer:
    """Notes what happens in ``done``; ``refused`` are keys that never arrive."""

    def __init__(self, done: list[bytes], refused: set[bytes]) -> None:
        self.done = done
        self.refused = refused

    def send(self, topic: str, *, key: bytes, value: bytes | None, partition: int) -> Future:
        """Take a record."""
        assert (topic, partition) == ("snapshots", 1)
        self.done.append(b"sent " + key if value is not None else b"removed " + key)
        return Future(self, key)

    def close(self, timeout: float) -> None:
        """Note it."""
        assert timeout == 0
        self.done.append(b"closed")


class Rig:
    """A writer whose producers note what they do."""

    def __init__(self) -> None:
        self.done: list[bytes] = []
        self.refused: set[bytes] = set()
        self.broken = False
        self.writer = Writer("snapshots", self._made)

    def _made(self) -> Producer:
        if self.broken:
            raise ZeroDivisionError
        self.done.append(b"made")
        return Producer(self.done, self.refused)

    def put(self, token: int, *keys: bytes) -> None:
        """Hand over a snapshot of these chunks."""
        for key in keys:
            assert self.writer.put(token, 1, [(key, b"x")])
        assert self.writer.end(token, 1, (b"manifest", b"m"), [b"old"])

    def outcome(self) -> Written:
        """Return what became of the next."""
        found = eventually(self.writer.outcome, 10, "an outcome")
        assert found is not None
        return found


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Yield a writer that runs."""
    made = Rig()
    made.writer.start()
    yield made
    made.writer.close()


def test_a_manifest_is_sent_when_its_chunks_have_arrived_and_what_goes_when_it_has(rig: Rig) -> None:
    """Whoever finds a manifest finds its chunks before it, and what it replaces before it is gone."""
    rig.put(1, b"a", b"b")
    assert rig.outcome() == Written(1, None)
    steps = [b"sent a", b"sent b", b"arrived a", b"arrived b", b"sent manifest", b"arrived manifest"]
    assert rig.done == [b"made", *steps, b"removed old", b"arrived old"]
    rig.put(2, b"c")
    assert rig.outcome() == Written(2, None)
    assert rig.done.count(b"made") == 1


def test_a_snapshot_of_which_a_chunk_is_lost_gets_no_manifest(rig: Rig) -> None:
    """It is told, and the next is written by another producer."""
    rig.refused.add(b"a")
    rig.put(1, b"a", b"b")
    assert rig.outcome() == Written(1, "KafkaTimeoutError: nobody took it")
    assert b"sent manifest" not in rig.done
    assert rig.done[-1] == b"closed"
    rig.put(2, b"c")
    assert rig.outcome() == Written(2, None)
    assert rig.done.count(b"made") == 2


def test_what_follows_a_lost_part_is_not_sent(rig: Rig) -> None:
    """Half a snapshot is worth nothing."""
    rig.refused.add(b"a")
    assert rig.writer.put(1, 1, [(b"a", b"x" * IN_FLIGHT_BYTES)])
    rig.put(1, b"b")
    assert rig.outcome() == Written(1, "a part of it was not written")
    assert b"sent b" not in rig.done


def test_a_bug_is_told_and_the_thread_goes_on(rig: Rig) -> None:
    """It would be missed for a long time otherwise."""
    rig.broken = True
    rig.put(1, b"a")
    assert rig.outcome() == Written(1, "a part of it was not written")
    rig.broken = False
    rig.put(2, b"b")
    assert rig.outcome() == Written(2, None)


def test_there_is_room_for_so_much_and_no_more() -> None:
    """What a broker does not take in time is not heaped up."""
    writer = Rig().writer
    assert all(writer.put(1, 1, [(b"a", b"x")]) for _ in range(WAITING))
    assert not writer.has_room
    assert not writer.put(1, 1, [(b"a", b"x")])
    assert not writer.end(1, 1, (b"manifest", b"m"), [])
