"""A cluster that asks for a password over TLS: reached by variables alone."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from kafka_local import Cluster
from pipeline.contracts import topics
from pipeline.errors import BrokerUnavailableError
from tests.support.deployment import Deployment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

STORE_PASSWORD = "only-for-this-test"  # noqa: S105
PASSWORD = "s3cret"  # noqa: S105
GOOD = b'{"source":"A1","target":"B2","amount":231.67,"currency":"EUR"}'


def keytool(*arguments: str) -> None:
    """Run the JDK's key tool."""
    subprocess.run(["keytool", "-storepass", STORE_PASSWORD, *arguments], check=True, capture_output=True, timeout=180)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Provide a broker with SASL over TLS: its address, and the file with its certificate."""
    folder = tmp_path_factory.mktemp("tls")
    store, certificate = folder / "broker.p12", folder / "ca.pem"
    key = ["-genkeypair", "-alias", "broker", "-keyalg", "RSA", "-dname", "CN=127.0.0.1", "-ext", "SAN=ip:127.0.0.1"]
    keytool(*key, "-validity", "2", "-keystore", str(store))
    keytool("-exportcert", "-rfc", "-alias", "broker", "-keystore", str(store), "-file", str(certificate))
    login = "org.apache.kafka.common.security.plain.PlainLoginModule"
    properties = {
        "listener.security.protocol.map": "PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.plaintext.plain.sasl.jaas.config": (
            f'{login} required username="broker" password="{PASSWORD}" '
            f'user_broker="{PASSWORD}" user_pipeline="{PASSWORD}";'
        ),
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": str(store),
        "ssl.keystore.password": STORE_PASSWORD,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificate),
    }
    with Cluster(properties=properties) as cluster:
        yield cluster.bootstrap_servers, certificate


def deployment(address: str, certificate: Path, **changed: str) -> Deployment:
    """Return a pipeline that logs in."""
    variables = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "PLAIN",
        "KAFKA_SASL_USERNAME": "pipeline",
        "KAFKA_SASL_PASSWORD": PASSWORD,
        "KAFKA_SSL_CAFILE": str(certificate),
    }
    return Deployment(address, variables | changed)


def test_all_parts_log_in_by_variables_alone(secured: tuple[str, Path]) -> None:
    """Topics job, detector, processor and auditor work over SASL and TLS; a client of the test's own sends."""
    pipeline = deployment(*secured)
    pipeline.provision()
    login: dict[str, Any] = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "pipeline",
        "sasl_plain_password": PASSWORD,
        "ssl_cafile": str(secured[1]),
    }
    pipeline.put(GOOD, **login)
    with pipeline.running("detector", "legit_processor") as printed:
        pipeline.wait_for_records(topics.LEGIT, 1)
        pipeline.wait_until_settled("legit_processor", 1)
    assert printed["legit_processor"].getvalue() == "[TRANSFER] A1 -> B2 231.67 EUR\n"
    assert pipeline.audit().clean


def test_a_wrong_password_is_told_without_the_password(secured: tuple[str, Path]) -> None:
    """The client tells of a time-out only, so the error says what else to check."""
    pipeline = deployment(
        *secured,
        KAFKA_SASL_PASSWORD="wrong-one",  # noqa: S106
        KAFKA_STARTUP_TIMEOUT_SECONDS="3",
    )
    with pytest.raises(BrokerUnavailableError, match="KAFKA_SASL_") as refused:
        pipeline.provision()
    assert "wrong-one" not in str(refused.value)
