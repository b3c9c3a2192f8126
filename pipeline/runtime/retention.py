"""How long topics keep records that rules look back to: what is gone from a log nobody can remember from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.runtime.clients.cluster import Cluster

RETENTION_MS: Final = "retention.ms"
FOR_EVER: Final = -1
_DAY_MS: Final = 86_400_000


class Lengthened(NamedTuple):
    """A topic that keeps its records longer than it did, in milliseconds."""

    topic: str
    before_ms: int
    now_ms: int

    def told(self) -> str:
        """Say so."""
        return (
            f"{self.topic} kept records for {self.before_ms / _DAY_MS:.3g} days, less than rules look back: "
            f"it is {self.now_ms / _DAY_MS:.3g} now ({RETENTION_MS}={self.now_ms})"
        )


def keep_for(cluster: Cluster, wanted_ms: Mapping[str, int]) -> list[Lengthened]:
    """Let topics, which have to exist, keep records for as many milliseconds at least; return those that kept less.

    Those whose settings we may not read stay as they are.

    Raises:
        KafkaError: no broker answers, or one of them may not be changed by us.

    """
    changed = []
    for name, found in sorted(cluster.config(sorted(wanted_ms), RETENTION_MS).items()):
        if FOR_EVER < int(found) < wanted_ms[name]:
            cluster.set_config(name, {RETENTION_MS: str(wanted_ms[name])})
            changed.append(Lengthened(name, int(found), wanted_ms[name]))
    return changed
