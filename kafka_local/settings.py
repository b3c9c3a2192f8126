"""Where things lie: the cache of jars, the file that announces a running Kafka, and Java's surroundings.

Knows nothing of Kafka itself. Two variables are ours, ``KAFKA_LOCAL_CACHE`` and ``KAFKA_LOCAL_STATE``, both folders;
``JAVA_HOME`` and ``PATH`` mean what they mean everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CACHE_VARIABLE = "KAFKA_LOCAL_CACHE"
STATE_VARIABLE = "KAFKA_LOCAL_STATE"

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PROJECT_FOLDER = PROJECT_ROOT / ".kafka-local"


@dataclass(frozen=True, slots=True)
class Settings:
    """Absolute folders, and the environment that every child process gets."""

    cache: Path
    state: Path
    environment: Mapping[str, str]

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Settings:
        """Read ``environment`` and keep a copy; a variable that is unset or empty means the project's own folder."""
        return cls(
            cache=Path(environment.get(CACHE_VARIABLE) or PROJECT_FOLDER).absolute(),
            state=Path(environment.get(STATE_VARIABLE) or PROJECT_FOLDER).absolute(),
            environment=dict(environment),
        )

    @property
    def search_path(self) -> str:
        """Return ``PATH`` as it is; empty when unset, so that nothing is found rather than a system default."""
        return self.environment.get("PATH", "")
