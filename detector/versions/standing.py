"""Which version of what the topic holds can be used: the one in force, or the best of what was before."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.rules.keys import GATHERED
from detector.rules.loading import RuleFileError
from detector.rules.versions.body import at_work
from pipeline.contracts.rule_bodies import BrokenVersionError
from pipeline.contracts.rule_marks import Mark
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from detector.rules.keys import Logs
    from detector.rules.ruleset import RuleSet
    from pipeline.contracts.rule_versions import Put, Shelf

logger = logging.getLogger(__name__)


class NoRulesError(PipelineError):
    """There is a topic of rules, and nothing in it that could be used."""


class VersionUnreadableError(Exception):
    """What is in force according to the topic cannot be used; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Rules with the place in the topic up to which they are the answer. ``put`` is None where it was not readable."""

    rules: RuleSet
    mark: Mark
    put: Put | None

    def told(self) -> str:
        """Say which rules are in force, and who put them there."""
        put, told = self.put, f"rules {self.rules.version} are in force"
        return (
            told if put is None else f"{told}, put by {put.author} at {put.at}{': ' if put.reason else ''}{put.reason}"
        )


def newest(shelf: Shelf, logs: Logs = (GATHERED,)) -> Standing:
    """Return what the topic says is in force; ``logs`` are those of this deployment (see ``keys``).

    Raises:
        VersionUnreadableError: it cannot be read or loaded.

    """
    try:
        put = shelf.current()
        if put is None:
            raise VersionUnreadableError("the record of what is in force was removed")
        return Standing(loaded(shelf, put.version, logs), Mark(shelf.put_at, put.version), put)
    except BrokenVersionError as error:
        raise VersionUnreadableError(str(error)) from None


def best(shelf: Shelf, name: str, known: RuleSet | None = None, logs: Logs = (GATHERED,)) -> Standing:
    """Return what is in force, or what can be used instead, for who has nothing yet; ``name`` is that of the topic.

    ``known`` are rules that are loaded already, which may take a while where they are many.

    Raises:
        NoRulesError: nothing can be used.

    """
    put = shelf.last_put()
    if known is not None and put is not None and put.version == known.version:
        return Standing(known, Mark(shelf.put_at, put.version), put)
    try:
        return newest(shelf, logs)
    except VersionUnreadableError as error:
        told = str(error)
    for version in shelf.candidates():
        try:
            rules = loaded(shelf, version, logs)
        except VersionUnreadableError as error:
            logger.debug("nor can version %s be used: %s", version, error)
            continue
        logger.error("what is in force by %s cannot be used: %s; going on with version %s", name, told, version)
        return Standing(rules, Mark(shelf.put_at, version), None)
    raise NoRulesError(
        f"what is in force by {name} cannot be used: {told}; nor can any version there. "
        "Put one in force that can: python -m detector.rules push FILE"
    )


def loaded(shelf: Shelf, version: str, logs: Logs) -> RuleSet:
    """Return the rules of a version.

    Raises:
        VersionUnreadableError: it cannot be read or loaded.

    """
    try:
        rules = at_work(shelf.body(version), logs)
    except BrokenVersionError as error:
        raise VersionUnreadableError(str(error)) from None
    except RuleFileError as error:
        raise VersionUnreadableError(f"version {version} does not load: {'; '.join(error.told())}") from None
    except Exception as error:
        # Also a bug: it must not take down detectors that judge by the version before.
        logger.exception("version %s of rules cannot be loaded", version)
        raise VersionUnreadableError(f"version {version} does not load: {type(error).__name__}: {error}") from error
    if rules.version != version:
        logger.warning(
            "rules that were version %s when they were written are %s by this release; verdicts carry that",
            version,
            rules.version,
        )
    return rules
