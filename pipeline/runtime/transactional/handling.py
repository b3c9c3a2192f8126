"""What is done with each record of a piece: the innermost loop, the same on either record path."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pipeline.contracts.invalid import InvalidMessageError
from pipeline.runtime.batches.writing import Lane, packed, packed_origin
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.transactional.hop_lanes import HopLanes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipeline.contracts.records import Outgoing, Record
    from pipeline.contracts.topics import Topic
    from pipeline.runtime.transactional.output import Output

logger = logging.getLogger(__name__)


def handle_all(
    records: Iterable[Record],
    handle: Callable[[Record], Sequence[Outgoing]],
    output: Output,
    refuse: Callable[[Record, InvalidMessageError], None],
) -> None:
    """Handle records of one partition in their order, and write what is outgoing because of each: all of it or nothing.

    One that can never be handled, or whose outcome is too large, is refused, and the next one comes. What nearly every
    record is has a lane: one that goes on with no header but its origin, untouched or with a verdict in its value. It
    takes no call but those that handle it and add it to the batch of its partition. Those that go to a hop or come
    from one have lanes as well (see :class:`HopLanes`). All others take the way through :meth:`Output.write`.

    Raises:
        KafkaError: the client does not take it, or ``records`` cannot be read on.
        Exception: whatever ``handle`` raises beside InvalidMessageError.

    """
    lanes: dict[Topic, Lane] = {}
    hops = HopLanes(output)
    latest_ms = output.latest_ms
    for record in records:
        try:
            outgoing = handle(record)
            body, origin = record.body, record.origin
            if len(outgoing) == 1 and body is not None and origin is not None and 0 <= record.timestamp_ms <= latest_ms:
                one = outgoing[0]
                if one.plain and not record.headers:
                    lane = lanes.get(one.topic)
                    if lane is None:
                        lane = lanes[one.topic] = output.lane(one.topic, record.partition)
                    body = body if one.value is None else packed(record.key) + packed(one.value)
                    if len(body) < lane.widest:
                        lane.add(record.timestamp_ms, body + packed_origin(origin))
                        continue
                elif one.value is None and hops.took(record, origin, one):
                    continue
            output.write(record, outgoing)
        except InvalidMessageError as error:
            refuse(record, error)
        except KafkaError:
            raise
        except Exception:
            logger.error(  # noqa: TRY400 (raised again and logged with its traceback by the process)
                "cannot handle %s:%d:%d; the process ends, nothing of its batch is committed",
                record.topic,
                record.partition,
                record.offset,
            )
            raise
