"""The settings of every service: defaults, older deployments, and all that is wrong told at once."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from demo.settings import DemoSettings
from detector import settings as detector_settings
from detector.rules.ruleset import NOTHING
from detector.settings import DetectorSettings
from generator import settings as generator_settings
from generator.pacing import Pacer
from generator.settings import GeneratorSettings
from pipeline.contracts import topics
from pipeline.contracts.formats import PaymentFormat, TransferFormat
from pipeline.errors import EXIT_USAGE, SettingsError
from pipeline.runtime import provision, service_settings
from pipeline.runtime.provision import ProvisionSettings
from pipeline.runtime.service_settings import ServiceSettings
from pipeline.runtime.settings import common_from_env
from tests.unit.samples import PAYMENTS, TRANSFERS, paid, payment, record, transaction, transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.runtime.environment import Variable

READERS: dict[str, Callable[[Mapping[str, str]], Any]] = {
    "common": common_from_env,
    "generator": GeneratorSettings.from_env,
    "detector": DetectorSettings.from_env,
    "processors": ServiceSettings.from_env,
    "provision": ProvisionSettings.from_env,
    "demo": lambda values: DemoSettings.from_env(values, "127.0.0.1:9092"),
}
VARIABLES: dict[str, tuple[Variable[Any], ...]] = {
    "generator": generator_settings.VARIABLES,
    "detector": detector_settings.VARIABLES,
    "processors": service_settings.VARIABLES,
    "provision": provision.VARIABLES,
}


def problems(values: Mapping[str, str], read: Callable[[Mapping[str, str]], Any] = common_from_env) -> tuple[str, ...]:
    """Return what is told of bad variables."""
    with pytest.raises(SettingsError) as bad:
        read(values)
    assert bad.value.exit_code == EXIT_USAGE == 2
    return bad.value.problems


def test_nothing_needs_to_be_set() -> None:
    """On a machine of one's own every service starts with what is the default."""
    common = common_from_env({})
    assert common.kafka.brokers == ("127.0.0.1:9094",)
    assert common.kafka.security_protocol == "PLAINTEXT"
    assert common.kafka.group_of("detector") == "fraud-pipeline.detector"
    assert isinstance(common.format, TransferFormat)
    assert (common.process.log_level, common.process.log_format, common.process.heartbeat_file) == (
        "INFO",
        "auto",
        None,
    )
    assert {common.topics[topic] for topic in topics.ALL} == {topic.default_name for topic in topics.ALL}


@pytest.mark.parametrize("name", VARIABLES)
def test_empty_means_default(name: str) -> None:
    """Every variable may be set to nothing, as files for compose do."""
    empty = {variable.name: " " for variable in VARIABLES[name]}
    assert repr_of(READERS[name](empty)) == repr_of(READERS[name]({}))


def repr_of(settings: Any) -> dict[str, Any]:
    """Return the fields of settings, nested, but for objects that are equal to nothing."""
    return {
        field.name: repr_of(value) if dataclasses.is_dataclass(value) else type(value) if "<" in repr(value) else value
        for field in dataclasses.fields(settings)
        for value in [getattr(settings, field.name)]
    }


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_says_what_it_is_for(name: str) -> None:
    """Names are unique within a service, each has a sentence, and every default is one that is accepted."""
    variables = VARIABLES[name]
    assert len({variable.name for variable in variables}) == len(variables)
    for variable in variables:
        assert variable.description.endswith("."), variable.name
        variable.parse(variable.default)


def test_all_that_is_wrong_is_told_at_once() -> None:
    """A bad value of every kind, one sentence each, by the variable's name."""
    bad = {
        "KAFKA_BROKER_URL": "broker",
        "KAFKA_SECURITY_PROTOCOL": "TLS",
        "KAFKA_SASL_MECHANISM": "MD5",
        "KAFKA_ID_PREFIX": "a b",
        "KAFKA_STARTUP_TIMEOUT_SECONDS": "0",
        "KAFKA_SSL_CAFILE": "/no/such/ca.pem",
        "TRANSACTIONS_TOPIC": "a/b",
        "TRANSACTION_FORMAT": "xml",
        "PAYMENT_CURRENCY": "won",
        "LOG_LEVEL": "LOUD",
        "LOG_FORMAT": "xml",
        "LOST_OFFSETS": "perhaps",
        "FRAUD_AMOUNT_THRESHOLD": "much",
    }
    told = problems(bad, DetectorSettings.from_env)
    assert sorted(problem.split()[0] for problem in told) == sorted(bad)


@pytest.mark.parametrize("name", READERS)
def test_a_variable_that_is_wrong_is_told_once(name: str) -> None:
    """One mistake is one sentence, however many parts of a service look at the variable."""
    told = problems({"PAYMENT_TIMEZONE": "Seoul", "PAYMENT_CURRENCY": "won"}, READERS[name])
    assert sorted(problem.split()[0] for problem in told) == ["PAYMENT_CURRENCY", "PAYMENT_TIMEZONE"]


SECRETS = {
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_USERNAME": "svc",
    "KAFKA_SASL_PASSWORD": "hunter2-sasl",
    "KAFKA_SSL_KEY_PASSWORD": "hunter2-key",
}


@pytest.mark.parametrize("name", READERS)
def test_no_secret_shows_in_the_settings(name: str) -> None:
    """Whoever logs or prints settings gives no password away."""
    settings = READERS[name](SECRETS)
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings)


@pytest.mark.parametrize("name", READERS)
def test_no_secret_shows_in_what_is_told_of_bad_variables(name: str) -> None:
    """Problems name variables, never what was given for a secret one."""
    told = problems(
        SECRETS | {"KAFKA_SASL_USERNAME": "", "LOG_LEVEL": "LOUD", "KAFKA_SSL_CAFILE": "/none"}, READERS[name]
    )
    assert "hunter2" not in "\n".join(told)
    assert len(told) >= 2


def test_the_secrets_are_declared_as_such() -> None:
    """Whatever is called a password is a secret."""
    for variable in generator_settings.VARIABLES:
        assert variable.secret is ("PASSWORD" in variable.name)


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL", "sasl_ssl"])
def test_sasl_needs_user_and_password(protocol: str) -> None:
    """Whoever logs in must say as whom, and both that are missing are told."""
    told = problems({"KAFKA_SECURITY_PROTOCOL": protocol})
    assert [problem.split()[0] for problem in told] == ["KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"]
    assert problems({"KAFKA_SECURITY_PROTOCOL": protocol, "KAFKA_SASL_USERNAME": "svc"}) == told[1:]
    common = common_from_env(SECRETS | {"KAFKA_SECURITY_PROTOCOL": protocol})
    assert common.kafka.security_protocol == protocol.upper()


@pytest.mark.parametrize("variable", ["KAFKA_SSL_CAFILE", "KAFKA_SSL_CERTFILE", "KAFKA_SSL_KEYFILE"])
def test_a_file_that_is_not_there_is_told(variable: str, tmp_path: Path) -> None:
    """A missing file is told before anything connects; a folder is no file."""
    (told,) = problems({variable: str(tmp_path / "ca.pem")})
    assert told == f"{variable} names a file that is not there: {tmp_path / 'ca.pem'}"
    assert problems({variable: str(tmp_path)})
    there = tmp_path / "there.pem"
    there.touch()
    assert common_from_env({variable: str(there)}).kafka.brokers


def test_a_file_that_cannot_be_looked_for_is_told() -> None:
    """A name that the system refuses, as it does a folder that our user may not enter, is a sentence as well."""
    (told,) = problems({"KAFKA_SSL_CAFILE": "/" + "x" * 300})
    assert told.startswith("KAFKA_SSL_CAFILE ")


def test_topics_must_not_share_a_name() -> None:
    """Two variables with one name would mix what must stay apart; the default of another counts too."""
    assert problems({"LEGIT_TOPIC": "payments", "FRAUD_TOPIC": "payments"}) == (
        "FRAUD_TOPIC names the same topic as LEGIT_TOPIC: payments",
    )
    assert problems({"LEGIT_TOPIC": topics.TRANSACTIONS.default_name})


def test_a_topic_must_not_be_called_as_the_dead_letters_of_another() -> None:
    """What could not be read must not arrive among what is legitimate."""
    assert problems({"TRANSACTIONS_TOPIC": "payments", "LEGIT_TOPIC": "payments.dead-letter"})


def test_a_topic_leaves_room_for_the_name_of_its_dead_letters() -> None:
    """Kafka takes 249 characters, of which the suffix needs some."""
    assert problems({"TRANSACTIONS_TOPIC": "x" * 249})


def test_the_older_names_work_by_variables_alone() -> None:
    """The topics and brokers of two earlier deployments are set and not coded."""
    older = common_from_env({"TRANSACTIONS_TOPIC": "queuing.transactions"})
    assert older.topics[topics.TRANSACTIONS] == "queuing.transactions"
    assert older.topics[topics.TRANSACTIONS_DEAD_LETTER] == "queuing.transactions.dead-letter"
    assert older.topics[topics.LEGIT] == "streaming.transactions.legit"
    payments = common_from_env(
        {
            "KAFKA_BROKER_URL": "localhost:9092,localhost:9093,localhost:9094",
            "TRANSACTIONS_TOPIC": "payments",
            "LEGIT_TOPIC": "legit_payments",
            "FRAUD_TOPIC": "fraud_payments",
            "TRANSACTION_FORMAT": "payment",
        }
    )
    assert payments.kafka.brokers == ("localhost:9092", "localhost:9093", "localhost:9094")
    names = [payments.topics[topic] for topic in (topics.TRANSACTIONS, topics.LEGIT, topics.FRAUD)]
    assert names == ["payments", "legit_payments", "fraud_payments"]
    assert isinstance(payments.format, PaymentFormat)


def test_time_zone_and_currency_reach_the_format() -> None:
    """Payments are read as the settings say."""
    common = common_from_env({"TRANSACTION_FORMAT": "PAYMENT", "PAYMENT_TIMEZONE": "UTC", "PAYMENT_CURRENCY": "USD"})
    members = {"DATE": "11/22/2026", "TIME": "14:05:09", "PAYMENT_TYPE": "VISA", "AMOUNT": 12, "TO": "mom"}
    read = common.format.read("t", members, 0)
    assert read.timestamp == datetime(2026, 11, 22, 14, 5, 9, tzinfo=UTC)
    assert (str(read.amount), read.currency) == ("12.00", "USD")


def test_the_detector_judges_by_the_rule_that_fits_the_format() -> None:
    """Transfers are judged by amount, payments by method, as their variables say."""
    transfers = DetectorSettings.from_env({"FRAUD_AMOUNT_THRESHOLD": "231.67"}).rules
    assert transfers.judge(TRANSFERS.read(record(transfer()))).verdict
    assert transfers.judge(transaction(amount=Decimal("231.66"))) is NOTHING
    payments = DetectorSettings.from_env(
        {"TRANSACTION_FORMAT": "payment", "SUSPICIOUS_PAYMENT_TYPES": "VISA, PAYPAL", "FRAUD_AMOUNT_THRESHOLD": "0"}
    ).rules
    assert payments.judge(PAYMENTS.read(record(payment()))).verdict
    assert payments.judge(paid("BITCOIN", "mom", 7)) is NOTHING


def test_no_method_is_suspicious_where_none_is_asked_for() -> None:
    """The word none turns the rule off; an empty variable is the default instead."""
    values = {"TRANSACTION_FORMAT": "payment", "SUSPICIOUS_PAYMENT_TYPES": "none"}
    assert DetectorSettings.from_env(values).rules.judge(paid("BITCOIN", "stranger", 40)) is NOTHING
    values["SUSPICIOUS_PAYMENT_TYPES"] = ""
    assert DetectorSettings.from_env(values).rules.judge(paid("BITCOIN", "stranger", 40)).verdict


def test_the_generator_has_its_own_variables() -> None:
    """Rate, count and seed are read, and empty means endless and for ever new."""
    default = GeneratorSettings.from_env({})
    assert (default.per_second, default.count, default.seed, default.currency) == (10.0, None, None, "EUR")
    chosen = GeneratorSettings.from_env(
        {"TRANSACTIONS_PER_SECOND": "0.1", "TRANSACTIONS_COUNT": "100000", "GENERATOR_SEED": "0"}
    )
    assert (chosen.per_second, chosen.count, chosen.seed) == (0.1, 100_000, 0)


@pytest.mark.parametrize("rate", ["1e-320", "1e300", "1.7e308"])
def test_every_rate_that_is_accepted_can_be_kept(rate: str) -> None:
    """A rate beyond all reason is refused by its name, or paced, and does not end the generator later."""
    try:
        per_second = GeneratorSettings.from_env({"TRANSACTIONS_PER_SECOND": rate}).per_second
    except SettingsError:
        return
    pacer = Pacer(per_second, 0.0)
    for now in (0.0, 10.0, 1e6):
        assert pacer.due(now) >= 0
        assert pacer.seconds_until_due(now) >= 0


def test_provision_has_its_own_variables() -> None:
    """Partitions have a default, replication is the brokers' where nothing is said."""
    default = ProvisionSettings.from_env({})
    assert (default.partitions, default.replication, default.min_insync) == (4, None, None)
    told = problems({"TOPIC_PARTITIONS": "0", "TOPIC_REPLICATION_FACTOR": "-1"}, ProvisionSettings.from_env)
    assert [problem.split()[0] for problem in told] == ["TOPIC_PARTITIONS", "TOPIC_REPLICATION_FACTOR"]


def test_a_heartbeat_file_is_a_path(tmp_path: Path) -> None:
    """What is named is the file that the loop touches."""
    assert common_from_env({"HEARTBEAT_FILE": str(tmp_path / "beat")}).process.heartbeat_file == tmp_path / "beat"


def test_settings_cannot_be_changed() -> None:
    """Whoever holds settings may rely on them."""
    settings = common_from_env({})
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.process.log_level = "DEBUG"  # type: ignore[misc]


def test_a_file_of_rules_is_told_all_that_is_wrong_with_it(tmp_path: Path) -> None:
    """Each problem with file, line and column, beside whatever else is wrong with the settings."""
    path = tmp_path / "rules.yaml"
    path.write_text("rules:\n  - {id: a, when: amuont > 1}\n  - {id: b}\n")
    with pytest.raises(SettingsError) as refused:
        DetectorSettings.from_env({"RULES_FILE": str(path), "SUSPICIOUS_PAYMENT_TYPES": "none"})
    assert f"RULES_FILE cannot be used: {path}:2:19: rule 'a': there is no amuont; did you mean amount?" in str(
        refused.value
    )
    assert f"RULES_FILE cannot be used: {path}:3:5: rule 'b': when: is missing" in str(refused.value)


@pytest.mark.parametrize(("content", "told"), [(None, "cannot be read: No such file"), (b"\xff", "no UTF-8 at byte 0")])
def test_a_file_of_rules_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None, told: str) -> None:
    """With its name."""
    path = tmp_path / "rules.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=told):
        DetectorSettings.from_env({"RULES_FILE": str(path)})


def test_the_rules_of_a_file_are_those_in_force(tmp_path: Path) -> None:
    """Instead of those that are shipped."""
    path = tmp_path / "rules.yaml"
    path.write_text("rules: [{id: mine, when: 'true'}]")
    rules = DetectorSettings.from_env({"RULES_FILE": str(path)}).rules
    verdict = rules.judge(transaction(amount=Decimal(1))).verdict
    assert verdict is not None
    assert verdict.hits[0].rule == "mine"
