"""The canonical transaction that rules and processors see, and the verdict that travels with a fraud."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec


class Transaction(msgspec.Struct, frozen=True):
    """One payment from ``source`` to ``target``, whatever dialect it was sent in.

    ``source`` is None where the dialect names no payer. ``amount`` has exactly the decimals of ``currency``.
    ``timestamp`` is aware, in UTC. ``attributes`` are the members of the message that no other field holds.
    """

    id: str
    source: str | None
    target: str
    amount: Decimal
    currency: str
    timestamp: datetime
    method: str
    attributes: dict[str, object]

    @property
    def account(self) -> str:
        """Return whose order must be kept: the source, else the target."""
        return self.target if self.source is None else self.source


# What a hit stands for: it counts towards the verdict; its rule was only being tried; a list exempts from it.
COUNTED = "counted"
SHADOW = "shadow"
EXEMPT = "exempt"


class Span(msgspec.Struct, frozen=True, rename={"begin": "from", "end": "to"}):
    """The times after ``from`` up to ``to``, in ISO 8601."""

    begin: str
    end: str


class Hit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule that fired. ``values`` are what it looked at, as exact text; ``standing`` says whether it counts.

    ``window`` is the longest that it looked back on; None where it looked at this transaction alone.
    ``passing_amount`` is the amount nearest to its own at which the rule would not have fired, all else the same; None
    where there is none, or where amounts of a history have a part in it. ``key`` are the fields and members, as exact
    text, by whose history the rule goes: whom the hit is about. None where it goes by no history.
    """

    rule: str
    severity: str
    score: int
    message: str
    values: dict[str, str]
    standing: str = COUNTED
    window: Span | None = None
    passing_amount: str | None = None
    key: dict[str, str] | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a transaction is taken for fraud. ``ruleset`` is the content hash of the rules that judged.

    ``late``, ``unkeyed`` and ``partial`` are :class:`~pipeline.contracts.caveats.Caveats`.
    """

    ruleset: str
    score: int
    hits: list[Hit]
    late: bool = False
    unkeyed: bool = False
    partial: bool = False
