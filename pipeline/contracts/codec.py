"""From the bytes of a record to a transaction and, on the fraud topic, its verdict; and back for the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from pipeline.contracts.formats.reading import MAX_TEXT_CHARACTERS
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.jsonobject import read_object
from pipeline.contracts.messages import Transaction, Verdict

if TYPE_CHECKING:
    from pipeline.contracts.coordinates import Coordinates
    from pipeline.contracts.formats.reading import Format
    from pipeline.contracts.records import Record

TRANSACTION_ID: Final = "transaction_id"
VERDICT: Final = "verdict"

_encode = msgspec.json.encode


class Codec:
    """Reads records of one format.

    ``topic_id`` is the id that Kafka gave the *input* topic. Where a producer sends no ``transaction_id``, it is
    ``<topic id>-<partition>-<offset>`` of the origin: the same for every reader and every replay, and another one
    after the topic was deleted and made anew.
    """

    def __init__(self, message_format: Format, topic_id: str) -> None:
        self._format = message_format
        self._topic_id = topic_id
        self._plain = True

    def read(self, record: Record) -> Transaction:
        """Read a transaction that nobody has judged yet, or that was found legitimate.

        Raises:
            InvalidMessageError: it is no transaction of this format, or brings a verdict of its own.

        """
        if self._plain:
            plain = self._format.read_plain(record, self._derived_id)
            if plain is not None:
                return plain
        found = self.read_carefully(record)
        # Who sends members of their own sends them with nearly every message: looking for a plain one first would be
        # a fifth of what it takes to read it.
        self._plain = not found.attributes
        return found

    def read_carefully(self, record: Record) -> Transaction:
        """Read as :meth:`read` does, whatever the message looks like.

        Raises:
            InvalidMessageError: it is no transaction of this format, or brings a verdict of its own.

        """
        members = read_object(record.value)
        if VERDICT in members:
            raise InvalidMessageError(Reason.RESERVED_MEMBER, f"member {VERDICT!r} is the pipeline's own")
        return self._transaction(record, members)

    def read_judged(self, record: Record) -> tuple[Transaction, Verdict]:
        """Read a transaction of the fraud topic together with its verdict; newer members of it are passed over.

        Raises:
            InvalidMessageError: the transaction or the verdict is not what this pipeline writes.

        """
        members = read_object(record.value)
        try:
            verdict = msgspec.convert(members.pop(VERDICT, None), Verdict)
        except msgspec.ValidationError as error:
            raise InvalidMessageError(Reason.INVALID_VERDICT, f"verdict: {error}") from None
        return self._transaction(record, members), verdict

    def _transaction(self, record: Record, members: dict[str, object]) -> Transaction:
        if record.origin is None:
            raise InvalidMessageError(Reason.NO_ORIGIN, "the record does not say where it entered the pipeline")
        transaction_id = members.pop(TRANSACTION_ID, None)
        if transaction_id is None:
            transaction_id = self._derived_id(record.origin)
        elif type(transaction_id) is not str:
            raise InvalidMessageError(Reason.WRONG_TYPE, f"member {TRANSACTION_ID!r} is not a string")
        elif not 0 < len(transaction_id) <= MAX_TEXT_CHARACTERS:
            raise InvalidMessageError(
                Reason.INVALID_VALUE, f"member {TRANSACTION_ID!r} has not 1 to {MAX_TEXT_CHARACTERS} characters"
            )
        return self._format.read(transaction_id, members, record.timestamp_ms)

    def _derived_id(self, origin: Coordinates) -> str:
        return f"{self._topic_id}-{origin.partition}-{origin.offset}"


def without_verdict(value: bytes) -> bytes:
    """Return the bytes that ``with_verdict`` was given, but for blanks around the last brace.

    Raises:
        ValueError: there is no verdict.

    """
    # It is the last member and begins like this for ever; nothing in it does, since a quote within a text is escaped.
    return value[: value.rindex(b',"verdict":{"ruleset":')] + b"}"


def with_verdict(value: bytes, verdict: Verdict) -> bytes:
    """Return a JSON object's bytes, unchanged up to its end, with ``verdict`` as one more, last member.

    ``value`` must have passed :meth:`Codec.read`, so that it is an object and has members.
    """
    return b'%b,"verdict":%b}' % (value.rstrip()[:-1].rstrip(), _encode(verdict))
