"""What to keep in mind about a verdict, or about hits that did not suffice."""

from __future__ import annotations

import msgspec


class Caveats(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Reasons why rules may not have seen all that they look at; each stands in a verdict under its name.

    ``late``: the transaction came later than the rules wait for, and was judged on what was kept.
    ``unkeyed``: its key in the input was not its account, so that others of the account may be in other partitions.
    ``partial``: some of what rules look at may have been let go, since they remembered as much as they may.
    """

    late: bool = False
    unkeyed: bool = False
    partial: bool = False

    def names(self) -> list[str]:
        """Return those that hold."""
        return [name for name in self.__struct_fields__ if getattr(self, name)]

    def __or__(self, other: Caveats) -> Caveats:
        """Return those of both."""
        if self == NONE:
            return other
        return Caveats(**dict.fromkeys([*self.names(), *other.names()], True))


NONE = Caveats()
LATE = Caveats(late=True)
UNKEYED = Caveats(unkeyed=True)
PARTIAL = Caveats(partial=True)
LATE_AND_PARTIAL = LATE | PARTIAL


def told_of(*, late: bool, partial: bool) -> Caveats:
    """Return those of what was judged, the same ones each time."""
    if late:
        return LATE_AND_PARTIAL if partial else LATE
    return PARTIAL if partial else NONE
