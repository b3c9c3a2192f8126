"""Settings that all services share: the topics' names, the format, how the process shows itself, the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.contracts import topics
from pipeline.contracts.formats import FORMAT_NAMES, Format, PaymentFormat, TransferFormat
from pipeline.runtime import cluster_settings, parsing
from pipeline.runtime.cluster_settings import KafkaSettings
from pipeline.runtime.environment import Environment, Variable
from pipeline.runtime.tracing import settings as tracing
from pipeline.runtime.tracing.settings import TraceSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.contracts.topics import Topic

TRANSACTION_FORMAT = Variable(
    "TRANSACTION_FORMAT",
    parsing.choice(*FORMAT_NAMES),
    TransferFormat.name,
    "The JSON dialect of the transactions: transfer or payment.",
)
PAYMENT_TIMEZONE = Variable(
    "PAYMENT_TIMEZONE", parsing.timezone, "Asia/Seoul", "Time zone of DATE and TIME in payments (IANA name)."
)
PAYMENT_CURRENCY = Variable("PAYMENT_CURRENCY", parsing.currency, "KRW", "Currency of AMOUNT in payments.")
LOG_LEVEL = Variable(
    "LOG_LEVEL", parsing.choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "Least level that is logged."
)
LOG_FORMAT = Variable(
    "LOG_FORMAT",
    parsing.choice("auto", "json", "text"),
    "auto",
    "How log lines look: json, text, or auto: text at a terminal, else json.",
)
HEARTBEAT_FILE = Variable(
    "HEARTBEAT_FILE",
    parsing.text,
    "",
    "File that is touched while the loop turns, for health checks; empty: none. In compose: set.",
)
METRICS_HOST = Variable(
    "METRICS_HOST",
    parsing.text,
    "127.0.0.1",
    "The address at which a service tells its figures and its health. In compose: 0.0.0.0, and nothing is published.",
)
METRICS_PORT = Variable(
    "METRICS_PORT", parsing.whole_number(0, 65535), "0", "The port for that; 0: none. In compose: 9100."
)
TOPIC_NAMES = tuple(
    Variable(topic.variable, parsing.topic_name, topic.default_name, f"Name of the topic: {topic.message}.")
    for topic in topics.ALL
    if topic.dead_letter_of is None
)

HOP_TOPICS = Variable(
    topics.HOPS_VARIABLE,
    parsing.topic_name,
    topics.HOPS_DEFAULT_NAME,
    "What the names of topics between two stages begin with, such as streaming.transactions.by-target. No other "
    "topic's may.",
)

VARIABLES: tuple[Variable[object], ...] = (
    *cluster_settings.VARIABLES,
    *TOPIC_NAMES,
    HOP_TOPICS,
    TRANSACTION_FORMAT,
    PAYMENT_TIMEZONE,
    PAYMENT_CURRENCY,
    LOG_LEVEL,
    LOG_FORMAT,
    HEARTBEAT_FILE,
    METRICS_HOST,
    METRICS_PORT,
    *tracing.VARIABLES,
)


DEAD_LETTERS = " (its dead letters)"


@dataclass(frozen=True, slots=True)
class TopicNames:
    """What the topics of the registry are called in this deployment."""

    by_variable: dict[str, str]

    @classmethod
    def read(cls, env: Environment) -> TopicNames:
        """Read the names, which must differ from each other."""
        names = cls({variable.name: env.read(variable) for variable in (*TOPIC_NAMES, HOP_TOPICS)})
        seen: dict[str, str] = {}
        for topic in topics.ALL:
            name = names[topic]
            if name in seen and not (topic.dead_letter_of and seen[name].endswith(DEAD_LETTERS)):
                variable = next(found for found in TOPIC_NAMES if found.name == topic.variable)
                env.reject(variable, f"names the same topic as {seen[name]}: {name}")
            seen[name] = topic.variable + ("" if topic.dead_letter_of is None else DEAD_LETTERS)
        begin = names.by_variable[HOP_TOPICS.name]
        for name in seen:
            if name.startswith(begin):
                env.reject(HOP_TOPICS, f"is {begin}, and so begins the name of another topic: {name}")
        return names

    def hops_among(self, names: Iterable[str]) -> list[Topic]:
        """Return those of the topics with these names that stand between two stages."""
        begin = topics.hop_by("").name_in(self.by_variable)
        return [topics.hop_by(name.removeprefix(begin)) for name in names if name.startswith(begin) and name != begin]

    def __getitem__(self, topic: Topic) -> str:
        """Return the name of a topic of the registry."""
        return topic.name_in(self.by_variable)


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """How the process shows itself.

    ``heartbeat_file`` is None where nobody watches it, ``metrics_port`` is 0 where nobody asks for figures.
    """

    log_level: str
    log_format: str
    heartbeat_file: Path | None
    metrics_host: str
    metrics_port: int

    @classmethod
    def read(cls, env: Environment) -> ProcessSettings:
        """Read the variables of logging and health."""
        heartbeat = env.read(HEARTBEAT_FILE)
        return cls(
            env.read(LOG_LEVEL),
            env.read(LOG_FORMAT),
            Path(heartbeat) if heartbeat else None,
            env.read(METRICS_HOST),
            env.read(METRICS_PORT),
        )


def read_format(env: Environment) -> Format:
    """Read which dialect transactions are sent in, with what it needs to know."""
    timezone, currency = env.read(PAYMENT_TIMEZONE), env.read(PAYMENT_CURRENCY)
    if env.read(TRANSACTION_FORMAT) == PaymentFormat.name:
        return PaymentFormat(timezone, currency)
    return TransferFormat()


@dataclass(frozen=True, slots=True)
class CommonSettings:
    """All that every service needs."""

    kafka: KafkaSettings
    topics: TopicNames
    format: Format
    process: ProcessSettings
    traces: TraceSettings

    @classmethod
    def read(cls, env: Environment) -> CommonSettings:
        """Read the shared variables."""
        parts = KafkaSettings.read(env), TopicNames.read(env), read_format(env), ProcessSettings.read(env)
        return cls(*parts, TraceSettings.read(env))


def of_a_command(values: Mapping[str, str]) -> dict[str, str]:
    """Return variables for what a person waits for: nobody looks at a terminal for as long as at a service."""
    waits = cluster_settings.STARTUP_TIMEOUT_SECONDS.name
    given = values.get(waits, "").strip()
    return {**values, waits: given or cluster_settings.COMMAND_TIMEOUT_SECONDS}


def common_from_env(values: Mapping[str, str]) -> CommonSettings:
    """Return the shared settings alone, for what needs no others.

    Raises:
        SettingsError: variables are bad; it lists all of them.

    """
    env = Environment(values)
    settings = CommonSettings.read(env)
    env.check()
    return settings
