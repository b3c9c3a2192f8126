"""The Kafka that is measured on: the project's own, compiled as one that runs for long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kafka_local import Cluster
from kafka_local.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

# kafka_local lets Java compile quickly and not well, for starts within a second; this variable wins over its options.
JAVA_OPTIONS: Final = "_JAVA_OPTIONS"
COMPILED_WELL: Final = "-XX:TieredStopAtLevel=4"


def broker(environ: Mapping[str, str], *, thorough: bool) -> Cluster:
    """Return a cluster of one node, to be used in a ``with`` block.

    ``thorough``: Java compiles what it runs often as a stock broker would; options of the caller's own come last, and
    win.
    """
    if not thorough:
        return Cluster(settings=Settings.from_env(environ))
    options = f"{COMPILED_WELL} {environ.get(JAVA_OPTIONS, '')}".strip()
    return Cluster(settings=Settings.from_env({**environ, JAVA_OPTIONS: options}))
