"""What is made from the code (``make docs``): tables, .env.example, the schema of rules, verdicts that are shown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import dashboard.settings
import demo.settings
import detector.settings
import fraud_processor.settings
import generator.settings
import legit_processor.settings
from detector.rules.files.schema import schema
from pipeline.contracts import headers, topics
from pipeline.runtime import provision, record_path, service_settings, settings
from pipeline.runtime.vitals import metrics
from tests.support.examples import frauds, judged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.runtime.environment import Variable

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
OPERATING = ROOT / "docs" / "operating.md"
ENV_EXAMPLE = ROOT / ".env.example"
SCHEMA = ROOT / "rules" / "schema.json"

# A transaction of the README as it stands on the fraud topic.
_VERDICT_OF: Final = re.compile(r"""^(?P<transaction>\{"source".*),"verdict":.*$""", re.MULTILINE)

ENV_HEAD = """\
# Every variable of the services with its default. Copy this file to .env and change what differs: compose and the
# services read it. Compose alone reads KAFKA_NETWORK (kafka-network), KAFKA_OUTSIDE_PORT (9094, and 9091 to 9093 as
# KAFKA_OUTSIDE_PORT_1 to _3 with three brokers) and RULES_LISTS (a folder, lists for detectors, beside RULES_FILE).
# Leave KAFKA_BROKER_URL alone for a Kafka of `make up`: a container cannot reach an address of this machine.
# A variable of the real environment wins over .env; an empty one means its default.
"""


def variables() -> dict[str, tuple[Variable[object], str]]:
    """Return every variable by name, with who reads it."""
    groups: list[tuple[Iterable[Variable[object]], str]] = [
        (settings.VARIABLES, "all"),
        ((record_path.RECORD_PATH,), "generator, detector, processors"),
        (service_settings.VARIABLES, "detector, processors"),
        ((provision.PARTITIONS, provision.REPLICATION, provision.MIN_INSYNC), "topics"),
        (generator.settings.VARIABLES, "generator"),
        (detector.settings.VARIABLES, "detector"),
        ((service_settings.LOST_EFFECTS,), "processors"),
        (legit_processor.settings.VARIABLES, "legit_processor"),
        (fraud_processor.settings.VARIABLES, "fraud_processor"),
        (dashboard.settings.VARIABLES, "dashboard"),
        ((demo.settings.DEMO_SECONDS,), "demo"),
    ]
    found: dict[str, tuple[Variable[object], str]] = {}
    for group, reader in groups:
        for variable in group:
            found.setdefault(variable.name, (variable, reader))
    return found


def topics_table() -> str:
    """Return the table of topics."""
    rows = ["| topic | name from | key | message | written by | read by | kept |", "|---" * 7 + "|"]
    for topic in (*topics.ALL, topics.hop_by("<key>")):
        variable = f"`{topic.variable}`" if topic.dead_letter_of is None else "its twin's"
        rows.append(
            f"| `{topic.name_in({})}` | {variable} | {topic.record_key} | {topic.message} "
            f"| {', '.join(topic.producers)} | {', '.join(topic.consumers)} "
            f"| {'the last of each key' if topic.compacted else f'{topic.retention_ms // topics.DAY_MS} days'} |"
        )
    return "\n".join(rows)


def headers_table() -> str:
    """Return the table of record headers."""
    rows = ["| header | value | stands on |", "|---|---|---|"]
    rows += [f"| `{kind.name}` | {kind.value} | {kind.stands_on} |" for kind in headers.ALL]
    return "\n".join(rows)


def metrics_table() -> str:
    """Return the table of metrics."""
    rows = ["| metric | kind | labels | of | what it says |", "|---" * 5 + "|"]
    for metric in metrics.ALL:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        of = "all" if metric.of == metrics.SERVICES else ", ".join(metric.of)
        rows.append(f"| `{metric.name}` | {metric.kind} | {labels} | {of} | {metric.told} |")
    return "\n".join(rows)


def variables_table() -> str:
    """Return the table of variables."""
    rows = ["| variable | default | read by | what it sets |", "|---|---|---|---|"]
    for name, (variable, reader) in variables().items():
        default = f"`{variable.default}`" if variable.default else ""
        rows.append(f"| `{name}` | {default} | {reader} | {variable.description} |")
    return "\n".join(rows)


def env_example() -> str:
    """Return the text of .env.example."""
    blocks = [ENV_HEAD]
    for name, (variable, reader) in variables().items():
        blocks.append(f"# {variable.description} ({reader})\n#{name}={variable.default}\n")
    return "\n".join(blocks)


def with_tables(readme: str) -> str:
    """Return the README's text with its tables made anew, each between its two marks."""
    for mark, table in (
        ("topics", topics_table()),
        ("headers", headers_table()),
        ("variables", variables_table()),
    ):
        readme = _with_table(readme, mark, table)
    return _VERDICT_OF.sub(_with_verdict, readme)


def with_metrics(text: str) -> str:
    """Return the text of docs/operating.md with its table made anew."""
    return _with_table(text, "metrics", metrics_table())


def _with_table(text: str, mark: str, table: str) -> str:
    head, marked, rest = text.partition(f"<!-- {mark}: made by `make docs` -->\n")
    _, end, tail = rest.partition(f"<!-- /{mark} -->")
    return f"{head}{marked}{table}\n{end}{tail}"


def _with_verdict(found: re.Match[str]) -> str:
    """Return a transaction of the README with the verdict that the default rules give on it."""
    value = (judged(found["transaction"].encode() + b"}") or b"").decode()
    return found["transaction"] + value[len(found["transaction"]) :]


def rules_schema() -> str:
    """Return the text of rules/schema.json."""
    return json.dumps(schema(), indent=2) + "\n"


def main() -> None:
    """Write all of them."""
    README.write_text(with_tables(README.read_text()))
    OPERATING.write_text(with_metrics(OPERATING.read_text()))
    ENV_EXAMPLE.write_text(env_example())
    SCHEMA.write_text(rules_schema())
    for path, value in frauds().items():
        path.write_bytes(value + b"\n")


if __name__ == "__main__":
    main()
