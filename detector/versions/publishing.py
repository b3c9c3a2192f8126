"""Puts a version of rules in force, for people and for the first replica that finds none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.contracts.rule_bodies import BrokenVersionError
from pipeline.contracts.rule_versions import entries_of
from pipeline.errors import PipelineError
from pipeline.runtime.clients.connection import ACCESS_ERRORS, KafkaError

if TYPE_CHECKING:
    from detector.versions.topic import RulesTopic
    from pipeline.contracts.rule_bodies import RuleBody
    from pipeline.contracts.rule_versions import Entry, Put, Shelf


class NotPutError(PipelineError):
    """A version is not in force after all; the sentence says why, and what to do."""


def publish(topic: RulesTopic, put: Put, body: RuleBody | None) -> None:
    """Put a version in force in place of ``put.previous``, with its body; None: one that is there already.

    Raises:
        NotPutError: another version is in force than ``put.previous``, or somebody else came between.
        KafkaError: no broker answers that could tell.

    """

    def entries(shelf: Shelf) -> list[Entry]:
        found = version_in_force(shelf)
        if found != put.previous:
            raise NotPutError(
                f"{found or 'no version'} is in force now, not {put.previous or 'none'}: somebody else was faster. "
                "Nothing was written; look at it (`list`, `diff`), and try again"
            )
        stands = body is None or _stands(shelf, put.version, body)
        return shelf.surplus(put.version) + entries_of(put, None if stands else body)

    try:
        topic.put(entries)
    except ACCESS_ERRORS as error:
        raise NotPutError(
            f"{topic.name} may not be written ({error or type(error).__name__}): its ACLs and those of the "
            "transactional id must allow it"
        ) from error
    except KafkaError as error:
        # Fenced, or an answer that did not come: the topic tells what became of it.
        if topic.read()[0].last_put() != put:
            raise NotPutError(
                f"version {put.version} was not put in force ({error or type(error).__name__}): Kafka failed, or "
                "somebody else put one in force at the same time; look (`list`), and try again"
            ) from error


def version_in_force(shelf: Shelf) -> str | None:
    """Return which version is to be in force; None where there is none, or its record cannot be read."""
    found = shelf.last_put()
    return None if found is None else found.version


def _stands(shelf: Shelf, version: str, body: RuleBody) -> bool:
    """Tell whether a version is there already, as it is to be."""
    try:
        return shelf.body(version) == body
    except BrokenVersionError:
        return False
