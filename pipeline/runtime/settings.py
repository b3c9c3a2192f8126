"""Settings that all services share: the cluster, the topics' names, the format, how the process shows itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.contracts import topics
from pipeline.contracts.formats import FORMAT_NAMES, Format, PaymentFormat, TransferFormat
from pipeline.runtime import parsing
from pipeline.runtime.environment import Environment, Variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.contracts.topics import Topic

KAFKA_BROKER_URL = Variable(
    "KAFKA_BROKER_URL",
    parsing.addresses,
    "127.0.0.1:9094",
    "Addresses of the Kafka brokers, with commas between them. In compose: broker:9092.",
)
SECURITY_PROTOCOL = Variable(
    "KAFKA_SECURITY_PROTOCOL",
    parsing.choice("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    "PLAINTEXT",
    "How to speak to the brokers: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.",
)
SASL_MECHANISM = Variable(
    "KAFKA_SASL_MECHANISM",
    parsing.choice("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"),
    "SCRAM-SHA-512",
    "How to log in, with SASL: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN.",
)
SASL_USERNAME = Variable("KAFKA_SASL_USERNAME", parsing.text, "", "User name, with SASL.")
SASL_PASSWORD = Variable("KAFKA_SASL_PASSWORD", parsing.text, "", "Password, with SASL.", secret=True)
SSL_CAFILE = Variable(
    "KAFKA_SSL_CAFILE", parsing.text, "", "File with the certificate authority, with SSL; empty: the system's."
)
SSL_CERTFILE = Variable("KAFKA_SSL_CERTFILE", parsing.text, "", "File with our own certificate, for mutual TLS.")
SSL_KEYFILE = Variable("KAFKA_SSL_KEYFILE", parsing.text, "", "File with its private key.")
SSL_KEY_PASSWORD = Variable("KAFKA_SSL_KEY_PASSWORD", parsing.text, "", "Password of that key.", secret=True)
ID_PREFIX = Variable(
    "KAFKA_ID_PREFIX",
    parsing.topic_name,
    "fraud-pipeline",
    "What our consumer groups, client ids and transactional ids begin with; grant ACLs by it.",
)
STARTUP_TIMEOUT_SECONDS = Variable(
    "KAFKA_STARTUP_TIMEOUT_SECONDS",
    parsing.number_above_zero,
    "60",
    "How long to wait at the start for the brokers and the topics.",
)
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
TOPIC_NAMES = tuple(
    Variable(topic.variable, parsing.topic_name, topic.default_name, f"Name of the topic: {topic.message}.")
    for topic in topics.ALL
    if topic.dead_letter_of is None
)

VARIABLES: tuple[Variable[object], ...] = (
    KAFKA_BROKER_URL,
    SECURITY_PROTOCOL,
    SASL_MECHANISM,
    SASL_USERNAME,
    SASL_PASSWORD,
    SSL_CAFILE,
    SSL_CERTFILE,
    SSL_KEYFILE,
    SSL_KEY_PASSWORD,
    ID_PREFIX,
    STARTUP_TIMEOUT_SECONDS,
    *TOPIC_NAMES,
    TRANSACTION_FORMAT,
    PAYMENT_TIMEZONE,
    PAYMENT_CURRENCY,
    LOG_LEVEL,
    LOG_FORMAT,
    HEARTBEAT_FILE,
)


DEAD_LETTERS = " (its dead letters)"


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """How to reach the cluster and what we are called there. ``startup_timeout_seconds`` bounds every start."""

    brokers: tuple[str, ...]
    security_protocol: str
    sasl_mechanism: str
    sasl_username: str
    sasl_password: str = field(repr=False)
    ssl_cafile: str
    ssl_certfile: str
    ssl_keyfile: str
    ssl_key_password: str = field(repr=False)
    id_prefix: str
    startup_timeout_seconds: float

    @classmethod
    def read(cls, env: Environment) -> KafkaSettings:
        """Read the cluster's variables, and note where one of them needs another."""
        settings = cls(
            brokers=env.read(KAFKA_BROKER_URL),
            security_protocol=env.read(SECURITY_PROTOCOL),
            sasl_mechanism=env.read(SASL_MECHANISM),
            sasl_username=env.read(SASL_USERNAME),
            sasl_password=env.read(SASL_PASSWORD),
            ssl_cafile=env.read(SSL_CAFILE),
            ssl_certfile=env.read(SSL_CERTFILE),
            ssl_keyfile=env.read(SSL_KEYFILE),
            ssl_key_password=env.read(SSL_KEY_PASSWORD),
            id_prefix=env.read(ID_PREFIX),
            startup_timeout_seconds=env.read(STARTUP_TIMEOUT_SECONDS),
        )
        if settings.security_protocol.startswith("SASL"):
            for variable, value in ((SASL_USERNAME, settings.sasl_username), (SASL_PASSWORD, settings.sasl_password)):
                if not value:
                    env.reject(variable, f"must be set with {SECURITY_PROTOCOL.name}={settings.security_protocol}")
        for variable in (SSL_CAFILE, SSL_CERTFILE, SSL_KEYFILE):
            path = env.read(variable)
            if path and not _is_file(path):
                env.reject(variable, f"names a file that is not there: {path}")
        return settings

    def group_of(self, service: str) -> str:
        """Return the consumer group of a service."""
        return f"{self.id_prefix}.{service}"


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class TopicNames:
    """What the topics of the registry are called in this deployment."""

    by_variable: dict[str, str]

    @classmethod
    def read(cls, env: Environment) -> TopicNames:
        """Read the names, which must differ from each other."""
        names = cls({variable.name: env.read(variable) for variable in TOPIC_NAMES})
        seen: dict[str, str] = {}
        for topic in topics.ALL:
            name = names[topic]
            if name in seen and not (topic.dead_letter_of and seen[name].endswith(DEAD_LETTERS)):
                variable = next(found for found in TOPIC_NAMES if found.name == topic.variable)
                env.reject(variable, f"names the same topic as {seen[name]}: {name}")
            seen[name] = topic.variable + ("" if topic.dead_letter_of is None else DEAD_LETTERS)
        return names

    def __getitem__(self, topic: Topic) -> str:
        """Return the name of a topic of the registry."""
        return topic.name_in(self.by_variable)


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """How the process shows itself. ``heartbeat_file`` is None where nobody watches it."""

    log_level: str
    log_format: str
    heartbeat_file: Path | None

    @classmethod
    def read(cls, env: Environment) -> ProcessSettings:
        """Read the variables of logging and health."""
        heartbeat = env.read(HEARTBEAT_FILE)
        return cls(env.read(LOG_LEVEL), env.read(LOG_FORMAT), Path(heartbeat) if heartbeat else None)


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

    @classmethod
    def read(cls, env: Environment) -> CommonSettings:
        """Read the shared variables."""
        return cls(KafkaSettings.read(env), TopicNames.read(env), read_format(env), ProcessSettings.read(env))


def common_from_env(values: Mapping[str, str]) -> CommonSettings:
    """Return the shared settings alone, for what needs no others.

    Raises:
        SettingsError: variables are bad; it lists all of them.

    """
    env = Environment(values)
    settings = CommonSettings.read(env)
    env.check()
    return settings
