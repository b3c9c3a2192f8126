"""Guards taken out of the product, to prove that the tests would notice: each is a function that patches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.runtime.clients.deadlines import FLUSH_SECONDS
from pipeline.runtime.clients.producers import BoundedProducer
from pipeline.runtime.transactional.intake import Intake
from pipeline.runtime.transactional.output import Output
from pipeline.runtime.wire.writer import TransactionWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.runtime.transactional.batch import Batch


def unchecked_futures() -> None:
    """Flush without a deadline and commit, without looking at what became of the records: the way of most examples."""

    def commit(self: Output, batch: Batch) -> None:
        producer: Any = self._producer
        self._sender.finish()
        if isinstance(producer, TransactionWriter):
            producer.flush(FLUSH_SECONDS)  # which ends without an error, too
            producer._undecided = []  # noqa: SLF001 (it has a look of its own)
        else:
            producer.flush()
        producer.send_offsets_to_transaction(batch.ends, batch.membership)
        producer.commit_transaction()

    Output.commit = commit  # type: ignore[method-assign] # that is the point


def offsets_outside() -> None:
    """Commit the offsets by the consumer, behind the transaction instead of in it."""
    consumers: list[Any] = []
    poll: Any = Intake.poll

    def remembering(self: Intake, max_records: int) -> Batch | None:
        consumers[:] = [self._consumer]
        found: Batch | None = poll(self, max_records)
        return found

    def send_offsets(_producer: Any, offsets: Any, _membership: Any) -> None:
        consumers[0].commit(offsets)

    def commit(self: Output, batch: Batch) -> None:
        producer: Any = self._producer
        self._sender.finish()
        producer.flush(timeout=FLUSH_SECONDS)
        producer.commit_transaction()
        producer.send_offsets_to_transaction(batch.ends, batch.membership)

    Intake.poll = remembering  # type: ignore[method-assign]

    def end(self: TransactionWriter, *, committed: bool) -> None:
        if self._undecided:
            really_end(self, committed=committed)
        else:
            self._open = False  # nothing was written: there is nothing that a coordinator could end

    really_end = TransactionWriter._end  # noqa: SLF001 (as above)
    TransactionWriter._end = end  # type: ignore[method-assign] # noqa: SLF001
    Output.commit = commit  # type: ignore[method-assign]
    TransactionWriter.announces_offsets = False
    for kind in (BoundedProducer, TransactionWriter):
        kind.send_offsets_to_transaction = send_offsets  # type: ignore[assignment,method-assign]


MUTATIONS: Final[dict[str, Callable[[], None]]] = {
    "unchecked-futures": unchecked_futures,
    "offsets-outside": offsets_outside,
}
