"""What sets the detector up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from detector.rules.loading import RuleFileError
from detector.rules.problems import RuleFileUnreadableError
from detector.rules.versions.body import RuleBody, body_of
from pipeline.runtime import parsing, service_settings
from pipeline.runtime.environment import Environment, Variable
from pipeline.runtime.service_settings import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.rules.expressions.names import Constant
    from detector.rules.ruleset import RuleSet
    from pipeline.runtime.settings import CommonSettings

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
VARIABLES = (*service_settings.VARIABLES, RULES_FILE, FRAUD_AMOUNT_THRESHOLD, SUSPICIOUS_PAYMENT_TYPES)

_SHIPPED: Final = Path(__file__).resolve().parents[1] / "rules"


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """``rules`` are those of ``rules_file``, which is named, or shipped for the format; ``body`` is its content."""

    service: ServiceSettings
    rules_file: Path
    rules: RuleSet
    body: RuleBody

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
        named = env.read(RULES_FILE)
        path = Path(named) if named else shipped_rules(shared.common.format.name)
        body, rules = _rules(env, path)
        env.check()
        return cls(shared, path, rules, body)


def shipped_rules(format_name: str) -> Path:
    """Return the file of rules that is shipped for a format."""
    return _SHIPPED / f"{format_name}s.yaml"


def rule_variables(env: Environment) -> dict[str, Constant]:
    """Return the values that a deployment sets for rules, by name."""
    return {
        FRAUD_AMOUNT_THRESHOLD.name: env.read(FRAUD_AMOUNT_THRESHOLD),
        SUSPICIOUS_PAYMENT_TYPES.name: env.read(SUSPICIOUS_PAYMENT_TYPES),
    }


def _rules(env: Environment, path: Path) -> tuple[RuleBody, RuleSet]:
    """Return the rules and what they are made of; without any where something is wrong, which ``env`` then knows."""
    try:
        return body_of(path, rule_variables(env))
    except RuleFileUnreadableError as error:
        env.reject(RULES_FILE, f"names {str(path)!r}: {error}")
    except RuleFileError as error:
        for told in error.told():
            env.reject(RULES_FILE, f"cannot be used: {told}")
    nothing = RuleBody("none", "rules: []")
    return nothing, nothing.load()
