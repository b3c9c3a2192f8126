"""What sets the detector up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.rules.large_amount import LargeAmount
from detector.rules.ruleset import RuleSet
from detector.rules.suspicious_method import SuspiciousMethod
from pipeline.contracts.formats import PaymentFormat
from pipeline.runtime import parsing, service_settings
from pipeline.runtime.environment import Environment, Variable
from pipeline.runtime.service_settings import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.runtime.settings import CommonSettings

FRAUD_AMOUNT_THRESHOLD = Variable(
    "FRAUD_AMOUNT_THRESHOLD", parsing.money, "900", "Transfers of this amount and above are taken for fraud."
)
SUSPICIOUS_PAYMENT_TYPES = Variable(
    "SUSPICIOUS_PAYMENT_TYPES",
    parsing.words,
    "BITCOIN",
    "Payments of these types are taken for fraud; commas between them, or the word none.",
)
VARIABLES = (*service_settings.VARIABLES, FRAUD_AMOUNT_THRESHOLD, SUSPICIOUS_PAYMENT_TYPES)


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """``rules`` are those that fit the format of the transactions."""

    service: ServiceSettings
    rules: RuleSet

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
        large_amount = LargeAmount(env.read(FRAUD_AMOUNT_THRESHOLD))
        suspicious_method = SuspiciousMethod(env.read(SUSPICIOUS_PAYMENT_TYPES))
        rules = RuleSet([suspicious_method if shared.common.format.name == PaymentFormat.name else large_amount])
        read = cls(shared, rules)
        env.check()
        return read
