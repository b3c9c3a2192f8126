"""Example messages: where they stand, how they are read, and the verdicts that the default rules give on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from detector.settings import DetectorSettings
from pipeline.contracts import topics
from pipeline.contracts.caveats import NONE, Caveats
from pipeline.contracts.codec import Codec, with_verdict
from pipeline.contracts.coordinates import Coordinates
from pipeline.contracts.formats import FORMAT_NAMES
from pipeline.contracts.records import Record

if TYPE_CHECKING:
    from detector.rules.ruleset import RuleSet

EXAMPLES: Final = Path(topics.__file__).with_name("examples")
INVALID: Final = "transactions-invalid"
EVERY: Final = Caveats(late=True, unkeyed=True, partial=True)


def files(folder: str) -> list[Path]:
    """Return the examples of a topic, or those of what is invalid."""
    return sorted((EXAMPLES / folder).glob("*.json"))


def value_of(path: Path) -> bytes:
    """Return the message in a file, without the line end that every text file has."""
    return path.read_bytes().removesuffix(b"\n")


def record_of(value: bytes) -> Record:
    """Return a message as a record."""
    return Record("topic", 0, 7, 1_795_363_200_123, None, value, (), Coordinates(0, 7))


def detector_of(dialect: str) -> tuple[Codec, RuleSet]:
    """Return how the detector reads and judges a dialect where nothing else is set."""
    settings = DetectorSettings.from_env({"TRANSACTION_FORMAT": dialect})
    return Codec(settings.common.format, "topic-id"), settings.rules


def dialect_of(path: Path) -> str:
    """Return the dialect that a file's name begins with; for invalid ones, their case."""
    name = path.stem.partition("--")[2] if path.parent.name == INVALID else path.stem
    return name.partition("-")[0] if name.startswith(FORMAT_NAMES) else "transfer"


def judged(value: bytes, dialect: str = "transfer", caveats: Caveats = NONE) -> bytes | None:
    """Return a transaction as it stands on the fraud topic, or None where the default rules find nothing."""
    codec, rules = detector_of(dialect)
    verdict = rules.judge(codec.read(record_of(value)), caveats=caveats).verdict
    return None if verdict is None else with_verdict(value, verdict)


def frauds() -> dict[Path, bytes]:
    """Return the examples of the fraud topic: those of the input that the default rules find, and one with caveats."""
    found = {path.name: judged(value_of(path), dialect_of(path)) for path in files("transactions")}
    large = value_of(EXAMPLES / "transactions" / "transfer-large.json")
    found["transfer-large--with-caveats.json"] = judged(large, caveats=EVERY)
    return {EXAMPLES / "fraud" / name: value for name, value in found.items() if value is not None}
