"""Where the environment may be looked at: only where a process begins, so that settings stay pure and testable."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(pipeline.__file__).resolve().parents[1]
PACKAGES: Final = ("pipeline", "generator", "detector", "legit_processor", "fraud_processor")
SOURCES: Final = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

ENVIRONMENT: Final = {"environ", "environb", "getenv", "getenvb", "putenv"}
# A health check is a process of its own, started by whoever watches the service.
PROCESSES: Final = {"pipeline/runtime/health.py"}


def name_of(path: Path) -> str:
    """Return a source's path inside the repository."""
    return path.relative_to(ROOT).as_posix()


def uses(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every node that reaches for the environment, however it was imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ENVIRONMENT:
            yield node
        elif isinstance(node, ast.ImportFrom) and node.module in {"os", "posix"}:
            yield from (alias for alias in node.names if alias.name in {*ENVIRONMENT, "*"})


def is_main_guard(node: ast.stmt) -> bool:
    """Tell whether a statement is ``if __name__ == "__main__":``."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def allowed(path: Path, node: ast.stmt) -> bool:
    """Tell whether a top-level statement may look at the environment."""
    is_process = path.name == "__main__.py" or name_of(path) in PROCESSES
    return is_main_guard(node) or (is_process and isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_the_environment_is_read_only_where_a_process_begins(path: Path) -> None:
    """Neither an import nor anything deeper looks at the environment: settings are handed in."""
    tree = ast.parse(path.read_text("utf-8"))
    found = [node for statement in tree.body if not allowed(path, statement) for node in uses(statement)]
    assert not [ast.unparse(node) for node in found]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_an_env_file_is_loaded_only_where_a_process_begins(path: Path) -> None:
    """``load_dotenv`` is called under the main guard of modules that ``python -m`` runs, and never overrides."""
    for statement in ast.parse(path.read_text("utf-8")).body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and "load_dotenv" in ast.unparse(node.func):
                assert is_main_guard(statement), name_of(path)
                assert "override" not in {keyword.arg for keyword in node.keywords}, name_of(path)


def test_the_scan_sees_what_it_looks_for() -> None:
    """The ways to reach the environment are all told, and the services' own entries are found to use one."""
    seen = "import os\nos.environ['A']\nos.getenv('A')\nfrom os import environ as e\nfrom os import path\n"
    assert len(list(uses(ast.parse(seen)))) == 3
    for service in PACKAGES[1:]:
        source = (ROOT / service / "__main__.py").read_text("utf-8")
        assert list(uses(ast.parse(source))), service
        assert importlib.util.find_spec(f"{service}.__main__") is not None
