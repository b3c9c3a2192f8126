"""Values that are no transactions: random bytes, and good ones with something broken in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.chaos.stage import PAYMENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

SAMPLES = 300
LONGEST = 400
GOOD = PAYMENT % b"VISA"

_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def samples(number: int) -> list[bytes]:
    """Return values that a search for odd cases comes up with; the same for the same number."""
    found: list[bytes] = []

    @seed(number)
    @settings(
        max_examples=SAMPLES,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.binary(max_size=60)
        | st.text(max_size=60).map(lambda t: t.encode("utf-8", "surrogatepass"))
        | _json.map(repr).map(str.encode)
    )
    def collect(value: bytes) -> None:
        found.append(value)

    collect()
    return found


def rubbish(chance: Random) -> Iterator[bytes]:
    """Yield without an end values most of which no detector can read; each is to have exactly one outcome."""
    odd = samples(chance.getrandbits(32))
    while True:
        kind = chance.randrange(4)
        if kind == 0:
            yield chance.randbytes(chance.randrange(LONGEST))
        elif kind == 1:
            yield GOOD[: chance.randrange(len(GOOD))]
        elif kind == 2:
            at = chance.randrange(len(GOOD))
            yield GOOD[:at] + chance.randbytes(chance.randint(1, 3)) + GOOD[at + 1 :]
        else:
            yield chance.choice(odd)
