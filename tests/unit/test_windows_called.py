"""The windows by calls, as where they are compiled: the same tests hold them as what is written out otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from detector.rules.windows import way
from tests.unit.test_windows import *  # noqa: F403 (its tests once more)
from tests.unit.test_windows_limits import (  # noqa: F401 (as above)
    test_limits_of_a_busy_account,
    test_long_texts_are_not_kept_to_be_hashed_again,
    test_what_is_told_early_is_what_counting_tells,
)
from tests.unit.test_windows_oracle import (  # noqa: F401 (as above)
    test_the_engine_forgets_what_the_oracle_forgets,
    test_the_engine_sees_in_panes_what_the_oracle_sees,
    test_the_engine_sees_what_the_oracle_sees,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="module")
def called() -> Iterator[None]:
    """Take transactions in and read windows by calls, compiled or not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(way, "COMPILED", True)
        yield
