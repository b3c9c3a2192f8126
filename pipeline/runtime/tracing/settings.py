"""Whether traces are made, of how many transactions, and where they go: by the standard variables of OpenTelemetry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.runtime import parsing
from pipeline.runtime.environment import Variable

if TYPE_CHECKING:
    from pipeline.runtime.environment import Environment

NONE: Final = "none"
OTLP: Final = "otlp"
CONSOLE: Final = "console"
# How many transactions each sampler takes; None: as many as its argument says.
SAMPLERS: Final = {
    "always_on": 1.0,
    "always_off": 0.0,
    "traceidratio": None,
    "parentbased_always_on": 1.0,
    "parentbased_always_off": 0.0,
    "parentbased_traceidratio": None,
}


def _truth(value: str) -> bool:
    lowered = value.casefold()
    if lowered not in {"true", "false"}:
        message = "true or false"
        raise ValueError(message)
    return lowered == "true"


def _share(value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        message = "a share from 0 to 1"
        raise ValueError(message)
    return share


OTEL_TRACES_EXPORTER = Variable(
    "OTEL_TRACES_EXPORTER",
    parsing.choice(NONE, OTLP, CONSOLE),
    NONE,
    "Where traces go: otlp (a collector, by HTTP), console (standard output), or none.",
)
OTEL_EXPORTER_OTLP_ENDPOINT = Variable(
    "OTEL_EXPORTER_OTLP_ENDPOINT", parsing.text, "http://127.0.0.1:4318", "The address of the collector of traces."
)
OTEL_TRACES_SAMPLER = Variable(
    "OTEL_TRACES_SAMPLER",
    parsing.choice(*SAMPLERS),
    "parentbased_traceidratio",
    "Which of the transactions that the generator sends are traced; all services follow what a record says.",
)
OTEL_TRACES_SAMPLER_ARG = Variable(
    "OTEL_TRACES_SAMPLER_ARG", _share, "0.01", "The share of transactions that are traced, with a sampler of ratio."
)
OTEL_SDK_DISABLED = Variable(
    "OTEL_SDK_DISABLED", _truth, "false", "true: no traces, whatever the other variables of OpenTelemetry say."
)

VARIABLES: Final = (
    OTEL_TRACES_EXPORTER,
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_TRACES_SAMPLER,
    OTEL_TRACES_SAMPLER_ARG,
    OTEL_SDK_DISABLED,
)


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """``exporter`` is none where nothing is traced; ``share`` of what enters is, from 0 to 1."""

    exporter: str = NONE
    endpoint: str = ""
    share: float = 0.0

    @classmethod
    def read(cls, env: Environment) -> TraceSettings:
        """Read the variables."""
        exporter, endpoint = env.read(OTEL_TRACES_EXPORTER), env.read(OTEL_EXPORTER_OTLP_ENDPOINT)
        fixed, share = SAMPLERS[env.read(OTEL_TRACES_SAMPLER)], env.read(OTEL_TRACES_SAMPLER_ARG)
        if exporter == OTLP and not endpoint.startswith(("http://", "https://")):
            env.reject(OTEL_EXPORTER_OTLP_ENDPOINT, "must be an address such as http://127.0.0.1:4318")
        if env.read(OTEL_SDK_DISABLED):
            return cls()
        return cls(exporter, endpoint.rstrip("/"), share if fixed is None else fixed)
