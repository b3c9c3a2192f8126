"""How far the effects of the partitions of a service are saved, as this process has last read or written it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from pipeline.runtime.handler import Place


class Progress:
    """Remembers watermarks between an assignment and the saves behind it; ``before`` has them by partition.

    ``read`` asks the database for those of some partitions; it raises EffectsError where there is no answer.
    """

    def __init__(self, read: Callable[[Collection[int]], dict[int, int]]) -> None:
        self._read = read
        self.before: dict[int, int] = {}

    def resumed(self, places: Iterable[Place]) -> Mapping[Place, int]:
        """Read the watermarks of partitions, and return them; see :class:`~..transactional.effects.Effects`."""
        wanted = {place[1]: place for place in places}
        self.before = self._read(wanted)
        return {wanted[partition]: at for partition, at in self.before.items()}

    def has(self, partition: int, offset: int) -> bool:
        """Tell whether what came of a record is saved."""
        return offset < self.before.get(partition, 0)

    def moved(self, ends: Mapping[Place, int]) -> dict[int, int]:
        """Return where watermarks go when a transaction ends at ``ends``: never back."""
        # A partition that comes again from below its watermark is as far as it was.
        return {partition: max(end, self.before.get(partition, end)) for (_, partition), end in ends.items()}

    def saved(self, moved: Mapping[int, int]) -> None:
        """Note that they are there now."""
        self.before = {**self.before, **moved}
