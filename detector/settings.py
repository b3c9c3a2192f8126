"""What sets the detector up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from detector.rules.files import forms
from detector.rules.keys import GATHERED, chosen_hops, hops_for, logs_of
from detector.rules.loading import RuleFileError, keys_in, text_of
from detector.rules.problems import RuleFileUnreadableError
from detector.rules.versions.body import at_work, body_of
from pipeline.contracts.rule_bodies import RuleBody
from pipeline.runtime import parsing, service_settings
from pipeline.runtime.environment import Environment, Variable
from pipeline.runtime.service_settings import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.rules.keys import Logs
    from detector.rules.ruleset import RuleSet
    from pipeline.contracts.rule_bodies import Constant
    from pipeline.runtime.settings import CommonSettings

BY_SOURCE: Final = "source"
BY_NOTHING: Final = "none"


def rule_keys(value: str) -> tuple[str, ...] | None:
    """Accept names of fields or members with commas between them, in their order, or ``none``; nothing is None."""
    if value.casefold() == "none":
        return ()
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    for name in names:
        if not re.fullmatch(forms.MEMBER_PATH, name):
            message = f"names of fields or members with commas between them, and not {name[:80]!r}"
            raise ValueError(message)
    return names or None


RULES_FILE = Variable(
    "RULES_FILE",
    parsing.text,
    "",
    "What is fraud, where the topic of rules says nothing yet: a file as in docs/rules.md; unset: that of the format, "
    "`rules/transfers.yaml` or `payments.yaml`.",
)
FRAUD_AMOUNT_THRESHOLD = Variable(
    "FRAUD_AMOUNT_THRESHOLD",
    parsing.money,
    "900",
    "A variable of rules: by those shipped, transfers of this amount and above are taken for fraud.",
)
SUSPICIOUS_PAYMENT_TYPES = Variable(
    "SUSPICIOUS_PAYMENT_TYPES",
    parsing.words,
    "BITCOIN",
    "A variable of rules: by those shipped, payments of these types are taken for fraud; commas between, or none.",
)
RULE_KEYS = Variable(
    "RULE_KEYS",
    rule_keys,
    "",
    "By what transactions are gathered beside the account, so that rules may have it for a key: fields or members of "
    "the message, commas between, or none; unset: what the rules of `RULES_FILE` need.",
)
INPUT_KEY = Variable(
    "INPUT_KEY",
    parsing.choice(BY_SOURCE, BY_NOTHING),
    BY_SOURCE,
    "What the key of the input's records is: source, the account, which its producers take care of; or none of use: "
    "then transactions are gathered by account before a rule looks at its past.",
)
SNAPSHOT_INTERVAL = Variable(
    "SNAPSHOT_INTERVAL",
    parsing.whole_number(0, 86_400),
    "120",
    "How many seconds apart what rules remember of a partition is written, so that a start need not read it all from "
    "the log again; 0: never, and nothing that was written is used.",
)
STATE_MAX_BYTES = Variable(
    "STATE_MAX_BYTES",
    parsing.whole_number(0, 1 << 50),
    str(192 * 1024 * 1024),
    "How many bytes a detector may take for what rules remember, as docs/rules.md counts them; beyond, the accounts "
    "and other keys that were used the longest ago go, and verdicts that may lack them say `partial`. 0: any number.",
)
KEYS = (RULE_KEYS, INPUT_KEY)
_OF_RULES = (FRAUD_AMOUNT_THRESHOLD, SUSPICIOUS_PAYMENT_TYPES)
VARIABLES = (*service_settings.VARIABLES, RULES_FILE, *KEYS, STATE_MAX_BYTES, SNAPSHOT_INTERVAL, *_OF_RULES)

_SHIPPED: Final = Path(__file__).resolve().parents[1] / "rules"


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """``rules`` are those of ``rules_file``, which is named, or shipped for the format; ``body`` is its content.

    ``hops`` are what transactions are gathered by behind the input, in this order; ``logs`` is what each stage can have
    for keys. ``snapshot_seconds`` is how far apart snapshots begin, 0 for none; ``state_bytes`` is how much may be
    remembered, 0 for any number.
    """

    service: ServiceSettings
    rules_file: Path
    rules: RuleSet
    body: RuleBody
    hops: tuple[str, ...]
    logs: Logs
    snapshot_seconds: int = 0
    state_bytes: int = 0

    @property
    def common(self) -> CommonSettings:
        """What all services need."""
        return self.service.common

    @classmethod
    def from_env(cls, values: Mapping[str, str]) -> DetectorSettings:
        """Read the variables.

        Raises:
            SettingsError: some are bad; it lists all of them.

        """
        env = Environment(values)
        shared = ServiceSettings.read(env)
        path = rules_file(env, shared.common.format.name)
        hops, logs = gathering(env, path)
        body, rules = _rules(env, path, logs)
        seconds, most = env.read(SNAPSHOT_INTERVAL), env.read(STATE_MAX_BYTES)
        env.check()
        return cls(shared, path, rules, body, hops, logs, seconds, most)


def shipped_rules(format_name: str) -> Path:
    """Return the file of rules that is shipped for a format."""
    return _SHIPPED / f"{format_name}s.yaml"


def rules_file(env: Environment, format_name: str) -> Path:
    """Return the file of rules that is named, else the one that is shipped for the format."""
    named = env.read(RULES_FILE)
    return Path(named) if named else shipped_rules(format_name)


def gathering(env: Environment, path: Path) -> tuple[tuple[str, ...], Logs]:
    """Return the hops of a deployment, and what each stage gathers by; where nothing is said, as a file needs them."""
    gathered = GATHERED if env.read(INPUT_KEY) == BY_SOURCE else frozenset[str]()
    chosen = env.read(RULE_KEYS)
    hops = hops_for(_keys_of(path, rule_variables(env)), gathered) if chosen is None else chosen_hops(chosen, gathered)
    return hops, logs_of(hops, gathered)


def _keys_of(path: Path, variables: Mapping[str, Constant]) -> list[list[str]]:
    """Return the keys that the rules of a file ask for; none where it cannot be read, which is told elsewhere."""
    try:
        return keys_in(text_of(path), variables, lambda name: text_of(path.parent / name))
    except RuleFileUnreadableError:
        return []


def rule_variables(env: Environment) -> dict[str, Constant]:
    """Return the values that a deployment sets for rules, by name."""
    return {
        FRAUD_AMOUNT_THRESHOLD.name: env.read(FRAUD_AMOUNT_THRESHOLD),
        SUSPICIOUS_PAYMENT_TYPES.name: env.read(SUSPICIOUS_PAYMENT_TYPES),
    }


def _rules(env: Environment, path: Path, logs: Logs) -> tuple[RuleBody, RuleSet]:
    """Return the rules and what they are made of; without any where something is wrong, which ``env`` then knows."""
    try:
        return body_of(path, rule_variables(env), logs)
    except RuleFileUnreadableError as error:
        env.reject(RULES_FILE, f"names {str(path)!r}: {error}")
    except RuleFileError as error:
        for told in error.told():
            env.reject(RULES_FILE, f"cannot be used: {told}")
    nothing = RuleBody("none", "rules: []")
    return nothing, at_work(nothing)
