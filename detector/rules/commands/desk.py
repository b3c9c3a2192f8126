"""What commands on the topic of rules work with: the topic, what stands there, and who asks."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from detector.rules.loading import RuleFileError
from detector.rules.problems import RuleFileUnreadableError
from detector.rules.versions.body import at_work, body_of
from detector.settings import gathering, rule_variables, rules_file
from detector.versions.publishing import publish, version_in_force
from detector.versions.seeding import moment_now
from detector.versions.topic import RulesTopic
from pipeline.contracts.rule_bodies import BrokenVersionError, RuleBody
from pipeline.contracts.rule_versions import CURRENT, Put
from pipeline.contracts.topics import TRANSACTIONS, hop_by
from pipeline.errors import PipelineError
from pipeline.runtime.clients.connection import ACCESS_ERRORS
from pipeline.runtime.environment import Environment
from pipeline.runtime.hop_topics import keep_logs
from pipeline.runtime.retention import RETENTION_MS
from pipeline.runtime.settings import CommonSettings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from detector.rules.keys import Logs
    from detector.rules.ruleset import RuleSet
    from pipeline.contracts.rule_bodies import Constant
    from pipeline.contracts.rule_versions import Shelf
    from pipeline.runtime.lifecycle import Stop

CLIENT_ID = "rules"


class RulesCommandError(PipelineError):
    """A command cannot be carried out; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Desk:
    """``shelf`` is what stood in the topic at the beginning.

    ``variables`` are those of the deployment, for files, ``hops`` by what its stages gather transactions behind the
    input, and ``logs`` what they have for keys.
    """

    topic: RulesTopic
    shelf: Shelf
    common: CommonSettings
    variables: Mapping[str, Constant]
    hops: tuple[str, ...]
    logs: Logs
    values: Mapping[str, str]

    @classmethod
    def open(cls, values: Mapping[str, str], stop: Stop) -> Desk:
        """Read what stands in the topic.

        Raises:
            SettingsError: variables are bad; it lists all of them.
            BrokerUnavailableError: the cluster does not answer, or lacks the topic.

        """
        env = Environment(values)
        settings, variables = CommonSettings.read(env), rule_variables(env)
        hops, logs = gathering(env, rules_file(env, settings.format.name))
        env.check()
        topic = RulesTopic.find(settings, CLIENT_ID, stop.wait)
        return cls(topic, topic.read()[0], settings, variables, hops, logs, values)

    def file(self, path: Path) -> tuple[RuleBody, RuleSet]:
        """Return a file as a detector would read it.

        Raises:
            RulesCommandError: it would not.

        """
        try:
            return body_of(path, self.variables, self.logs)
        except RuleFileUnreadableError as error:
            raise RulesCommandError(f"{path}: {error}") from None
        except RuleFileError as error:
            raise RulesCommandError("\n".join(error.told())) from None

    def version(self, named: str) -> tuple[str, RuleBody, RuleSet]:
        """Return a version of the topic that loads: the one whose hash begins so, or ``current``.

        Raises:
            RulesCommandError: there is none, or it does not load.

        """
        try:
            version = self.shelf.named(named)
            body = self.shelf.body(version)
            return version, body, at_work(body, self.logs)
        except BrokenVersionError as error:
            raise RulesCommandError(str(error)) from None
        except RuleFileError as error:
            raise RulesCommandError("\n".join(error.told())) from None

    def either(self, named: str) -> tuple[str, RuleBody, RuleSet]:
        """Return a version, or a file where there is one of that name.

        Raises:
            RulesCommandError: it cannot be read, or does not load.

        """
        path = Path(named)
        if named != CURRENT.decode() and path.is_file():
            body, rules = self.file(path)
            return rules.version, body, rules
        return self.version(named)

    def put(self, asked: argparse.Namespace, rules: RuleSet, body: RuleBody | None, reason: str = "") -> Put | None:
        """Put rules in force and return who did it, and why; None where they are in force already.

        Before that, the topics that they look back in are made to keep records for as long.

        Raises:
            RulesCommandError: nobody says who does it, or those topics may not be changed.
            NotPutError: another version is in force than at the beginning.

        """
        version, before = rules.version, version_in_force(self.shelf)
        if version == before and self._is_whole(version):
            return None
        author = asked.author or self.values.get("USER") or self.values.get("LOGNAME")
        if not author:
            raise RulesCommandError("who does this? Say --author NAME")
        put = Put(version=version, author=author, at=moment_now(), reason=asked.reason or reason, previous=before)
        self._keep_logs(rules)
        publish(self.topic, put, body)
        return put

    def _keep_logs(self, rules: RuleSet) -> None:
        if not rules.reach_ms:
            return
        hops = [hop_by(name) for name in self.hops]
        names = ", ".join(self.common.topics[one] for one in (TRANSACTIONS, *hops))
        try:
            changed = keep_logs(self.common, hops, rules.reach_ms, CLIENT_ID)
        except ACCESS_ERRORS as error:
            raise RulesCommandError(
                f"these rules look back {rules.reach_ms} ms, and the topics that they look back in may not be changed "
                f"({error or type(error).__name__}). Nothing was put in force; let somebody set "
                f"{RETENTION_MS}={rules.reach_ms} for {names}"
            ) from None
        for one in changed:
            sys.stderr.write(f"{one.told()}\n")

    def _is_whole(self, version: str) -> bool:
        """Tell whether a version can be read; one that came to harm may be pushed again."""
        try:
            self.shelf.body(version)
        except BrokenVersionError:
            return False
        return True
