"""Plays scenarios, one after the other, on as few Kafkas as they need."""

from __future__ import annotations

import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from kafka.errors import KafkaError

from pipeline.runtime.record_path import BATCHES
from tests.chaos.ground import GROUNDS, Ground, NotHereError
from tests.chaos.result import Result, played, result_of
from tests.chaos.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.chaos.scenarios import Scenario


def play(  # noqa: PLR0913 (what a run is made of)
    scenario: Scenario, ground: Ground, length: int, seed: int, *, mutation: str = "", record_path: str = BATCHES
) -> Result:
    """Play one scenario on a ground that is there, and let the auditor judge; nothing is left running."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{scenario.name}-"))
    try:
        with Stage(ground, folder, fronted=scenario.fronted, mutation=mutation, record_path=record_path) as stage:
            scenario.play(stage, length, Random(f"{seed} {scenario.name}"))  # noqa: S311 (no secret)
            report = stage.finish()
    except (AssertionError, TimeoutError, subprocess.TimeoutExpired, KafkaError) as error:
        why = f"{type(error).__name__}: {error}; logs in {folder}"
        return result_of(scenario, seed, time.monotonic() - began, failure=why)
    return played(scenario, stage, report, seed, time.monotonic() - began)


def play_all(
    scenarios: Sequence[Scenario], kills: int, seed: int, *, tell: Callable[[str], None], **how: str
) -> Iterator[Result]:
    """Yield the result of each scenario as it comes, those that share a Kafka together.

    ``tell`` hears what begins; ``how`` is for :func:`play`.
    """
    for kind, make in GROUNDS.items():
        wanted = [scenario for scenario in scenarios if scenario.ground == kind]
        if not wanted:
            continue
        with ExitStack() as stack:
            tell(f"starting {kind}")
            try:
                ground = stack.enter_context(make())
            except NotHereError as error:
                yield from (result_of(scenario, seed, 0.0, failure=str(error), not_here=True) for scenario in wanted)
                continue
            for scenario in wanted:
                tell(scenario.name)
                yield play(scenario, ground, scenario.length(kills), seed, **how)
