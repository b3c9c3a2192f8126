"""What tests of the auditor begin with: a pipeline that has handled something, and records written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.contracts import headers
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from pipeline.contracts.topics import Topic
    from tests.support.deployment import Deployment

GOOD: Final = b'{"source":"A1","target":"B2","amount":231.67,"currency":"EUR"}'
FRAUD: Final = b'{"source":"A1","target":"B2","amount":950,"currency":"EUR"}'
BAD: Final = b'{"source":"A1","target":"B2","amount":-1,"currency":"EUR"}'


def judged(deploy: Callable[..., Deployment], *values: bytes, partitions: int = 2) -> Deployment:
    """Return a deployment whose detector has judged these."""
    pipeline = deploy(partitions=partitions)
    pipeline.put(*values)
    with pipeline.running("detector"):
        pipeline.wait_until_judged(len(values))
    return pipeline


def settled(deploy: Callable[..., Deployment], *values: bytes, partitions: int = 2) -> Deployment:
    """Return a deployment whose detector has judged these, and whose processors have nothing pending."""
    pipeline = judged(deploy, *values, partitions=partitions)
    with pipeline.running("legit_processor", "fraud_processor"):
        eventually(lambda: not pending(pipeline), WITHIN, "the processors to have nothing pending")
    return pipeline


def pending(pipeline: Deployment) -> int:
    """Return how many records of the branches the processors have not got to, by the auditor's word."""
    return sum(found.pending for found in pipeline.audit().effects.values())


def forge(
    pipeline: Deployment, topic: Topic, origin: bytes | None = None, *, source: bytes | None = None, partition: int = 0
) -> None:
    """Write a record by hand to a topic of the pipeline, with what headers say of its origin and source."""
    told = [(headers.ORIGIN.name, origin), (headers.SOURCE.name, source)]
    with pipeline.producer() as producer:
        producer.send(
            pipeline.name(topic),
            GOOD,
            headers=[(name, value) for name, value in told if value is not None],
            partition=partition,
        )


def run_audit(pipeline: Deployment, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    return pipeline.run("pipeline.operations.audit", *arguments)
