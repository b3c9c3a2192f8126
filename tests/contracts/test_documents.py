"""What the documents say of topics, headers, variables and targets is what the registries say."""

from __future__ import annotations

import re

import pytest

from pipeline.operations.audit.report import Violation
from tests.support import reference

MAKEFILE = reference.ROOT / "Makefile"


def test_the_tables_of_the_readme_are_those_of_the_registries() -> None:
    """``make docs`` was run after the last change of a registry."""
    readme = reference.README.read_text()
    assert reference.with_tables(readme) == readme
    operating = reference.OPERATING.read_text()
    assert reference.with_metrics(operating) == operating
    for mark in ("topics", "headers", "variables"):
        assert f"<!-- {mark}: made by `make docs` -->" in readme


def test_the_example_environment_names_every_variable() -> None:
    """``.env.example`` is what ``make docs`` writes."""
    assert reference.ENV_EXAMPLE.read_text() == reference.env_example()


def test_the_schema_of_rules_is_that_of_the_code() -> None:
    """Editors are told what loads."""
    assert reference.SCHEMA.read_text() == reference.rules_schema()


def test_every_make_target_of_the_readme_exists() -> None:
    """Whoever types a command from the README finds its target."""
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE.read_text(), re.MULTILINE))
    named = set(re.findall(r"`?(?:^|[^\w])make ([a-z]+)\b", reference.README.read_text(), re.MULTILINE))
    assert named <= targets | {"help"}, named - targets


def test_the_readme_explains_every_violation() -> None:
    """Whoever sees one in the audit finds what it is, in the order in which the audit tells them."""
    told = re.findall(r"^\| `([a-z-]+)` \| ", reference.README.read_text(), re.MULTILINE)
    assert [name for name in told if name in set(Violation)] == [violation.value for violation in Violation]


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_the_locks_have_hashes_and_no_address(lock: str) -> None:
    """Every requirement is pinned with hashes, and no package index is named."""
    text = (reference.ROOT / lock).read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "index" not in text.replace("importlib", "")
