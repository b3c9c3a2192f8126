"""How to reach the cluster: its variables, and the settings they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.runtime import parsing
from pipeline.runtime.environment import Environment, Variable

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
    "What the services' consumer groups, client ids and transactional ids begin with; grant ACLs by it.",
)
COMMAND_TIMEOUT_SECONDS: Final = "10"
STARTUP_TIMEOUT_SECONDS = Variable(
    "KAFKA_STARTUP_TIMEOUT_SECONDS",
    parsing.number_above_zero,
    "60",
    "How long to wait at the start for the brokers and the topics; commands for people wait "
    f"{COMMAND_TIMEOUT_SECONDS} s where nothing is set.",
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
)


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
