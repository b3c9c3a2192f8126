"""The lanes of records on their way between stages: what carries nothing else is packed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.contracts.headers import ENTERED_KEY, ORIGIN, SO_FAR
from pipeline.runtime.batches.writing import packed, packed_between, packed_origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.contracts.coordinates import Coordinates
    from pipeline.contracts.headers import Header
    from pipeline.contracts.records import Outgoing, Record
    from pipeline.contracts.topics import Topic
    from pipeline.runtime.batches.writing import Lane
    from pipeline.runtime.transactional.output import Output

_ORIGIN, _SO_FAR, _KEY = ORIGIN.name, SO_FAR.name, ENTERED_KEY.name
_WITHOUT_KEY, _WITH_KEY = 2, 3  # headers
# ``Output.write`` counts up to so many bytes more than a record takes that is packed here.
_COUNTED_BYTES = 128


class HopLanes:
    """Takes records that go to a hop, or come from one and go on as they entered; they are good for one transaction.

    They carry what stages tell each other, and no header of a producer's own: what is written is as
    :meth:`Output.write` has it, byte for byte.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._lanes: dict[Topic, dict[int, Lane]] = {}

    def took(self, record: Record, origin: Coordinates, outgoing: Outgoing) -> bool:
        """Write a record that goes on with the value it has; return False where it has to take the long way.

        Its time is one that brokers take.

        Raises:
            KafkaError: the client does not take it.

        """
        key, partition, carried = record.key, record.partition, record.headers
        hop_key, told = outgoing.key, outgoing.headers
        if record.topic in self._output.hops:
            if not _is_between(carried):
                return False
            key, partition = carried[2][1] if len(carried) == _WITH_KEY else None, origin.partition
        elif carried:
            return False
        if bool(told) is (hop_key is None) or (told and (len(told) > 1 or told[0][0] != _SO_FAR)):
            return False
        if hop_key is None:
            lane, body = self._lane(outgoing.topic, partition), packed(key) + packed(record.value)
            carried_on = packed_origin(origin)
        else:
            lane = self._lane(outgoing.topic, self._output.partition_in(outgoing.topic, hop_key))
            body, carried_on = packed(hop_key) + packed(record.value), packed_between(origin, told[0][1], key)
        if len(body) + len(carried_on) + _COUNTED_BYTES > lane.widest:
            return False
        lane.add(record.timestamp_ms, body + carried_on)
        return True

    def _lane(self, topic: Topic, partition: int) -> Lane:
        lanes = self._lanes.get(topic)
        if lanes is None:
            lanes = self._lanes[topic] = {}
        lane = lanes.get(partition)
        if lane is None:
            lane = lanes[partition] = self._output.lane(topic, partition)
        return lane


def _is_between(carried: Sequence[Header]) -> bool:
    """Tell whether headers are those that every record has between two stages, with or without a key, and no others."""
    count = len(carried)
    return (
        _WITHOUT_KEY <= count <= _WITH_KEY
        and carried[0][0] == _ORIGIN
        and carried[1][0] == _SO_FAR
        and (count == _WITHOUT_KEY or carried[2][0] == _KEY)
    )
