"""Values that are no transactions: random bytes, and good ones with something broken in them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.chaos.stage import PAYMENT
from tests.support.deployment import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

SAMPLES = 300
SEARCH_SECONDS = 120
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


def samples_apart(number: int) -> list[bytes]:
    """Return the same from a process of its own: the search fails where another thread draws at random meanwhile."""
    command = [sys.executable, "-m", "tests.chaos.rubbish", str(number)]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=SEARCH_SECONDS)
    return [bytes.fromhex(line) for line in made.stdout.split("\n")[:-1]]


def rubbish(chance: Random) -> Iterator[bytes]:
    """Yield without an end values most of which no detector can read; each is to have exactly one outcome."""
    odd = samples_apart(chance.getrandbits(32))
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


if __name__ == "__main__":
    sys.stdout.writelines(f"{value.hex()}\n" for value in samples(int(sys.argv[1])))
