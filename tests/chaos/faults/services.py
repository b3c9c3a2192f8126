"""Services that are killed, frozen, ended, or hang."""

from __future__ import annotations

import signal
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING

import psutil

from pipeline.errors import EXIT_SOFTWARE
from tests.chaos.faults.rounds import at_random
from tests.chaos.stage import ENDLESS, PARTITIONS
from tests.support.fault_point import FREEZE, FREEZING_POINTS, HANG, POINTS, reaches

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from tests.chaos.stage import Replica, Stage

DIES_WITHIN = 180.0
MOST_REPLICAS = 3
# Past the session of six seconds, so that the others have taken over, and past the transaction's eight.
FROZEN_SECONDS = (7.0, 10.0)


def killed_at_every_step(stage: Stage, kills: int, _chance: Random) -> None:
    """SIGKILL a detector and a processor of each kind at every step of the loop, all in the same seconds."""
    while stage.kills < kills:
        with stage.fault():
            victims = [
                stage.spawn(service, point=point, keep=False)
                for point in POINTS
                for service in ENDLESS
                if reaches(service, point)
            ]
            for victim in victims:
                code = stage.wait_for_end(victim, DIES_WITHIN)
                if code != -signal.SIGKILL:
                    raise AssertionError(f"{victim.service} ended with {code}, not by the fault")
                stage.kills += 1


def killed_at_random(stage: Stage, kills: int, chance: Random) -> None:
    """SIGKILL one to three services at a random moment, at times again while the others still recover."""
    while stage.kills < kills:
        stage.pause(chance.uniform(0, 2))
        with stage.fault():
            for service in chance.sample(ENDLESS, chance.randint(1, len(ENDLESS))):
                stage.kill(chance.choice(stage.of(service)))
            if chance.random() < 1 / 3:
                stage.pause(chance.uniform(0, 5))
                stage.kill(chance.choice(stage.of(*ENDLESS)))


def replicas_come_and_go(stage: Stage, rounds: int, chance: Random) -> None:
    """Let replicas of detector and processors join, leave, and be killed all the time."""
    for _ in range(rounds):
        with stage.fault():
            service = chance.choice(ENDLESS)
            running = stage.of(service)
            if len(running) == 1 or (len(running) < MOST_REPLICAS and chance.random() < 1 / 2):
                stage.spawn(service)
            elif chance.random() < 1 / 2:
                stage.terminate(chance.choice(running))
            else:
                stage.kill(chance.choice(running))
            stage.pause(chance.uniform(0, 3))


def frozen_past_its_session(stage: Stage, rounds: int, chance: Random) -> None:
    """SIGSTOP a detector and a processor until others have their partitions, and let them go on: they write nothing."""
    for service in ENDLESS:
        if len(stage.of(service)) == 1:
            stage.spawn(service)
    # One that is frozen while it starts has no partitions that others could take over.
    stage.wait_until_joined()
    for _ in at_random(stage, rounds, chance, longest=2.0):
        zombies = [chance.choice(stage.of(service)) for service in ENDLESS]
        for zombie in zombies:
            zombie.process.send_signal(signal.SIGSTOP)
        stage.pause(chance.uniform(*FROZEN_SECONDS))
        for zombie in zombies:
            zombie.process.send_signal(signal.SIGCONT)


def frozen_at_every_step(stage: Stage, rounds: int, _chance: Random) -> None:
    """SIGSTOP services at the steps of the loop until others have gone on, and let them go on as well."""
    # As many of a kind at once as there are partitions: each gets one, and comes to its step.
    points = [list(FREEZING_POINTS)[at : at + PARTITIONS] for at in range(0, len(FREEZING_POINTS), PARTITIONS)]
    for _, some in zip(range(rounds), cycle(points), strict=False):
        with stage.fault():
            victims = [
                stage.spawn(service, point=FREEZE + point, keep=False)
                for service in ENDLESS
                for point in some
                if reaches(service, point)
            ]
            stage.until(partial(_all_frozen, victims), DIES_WITHIN, "every victim to freeze")
            stage.pause(FROZEN_SECONDS[1])
            for victim in victims:
                victim.process.send_signal(signal.SIGCONT)
        stage.terminate(*victims)


def _all_frozen(victims: Sequence[Replica]) -> bool:
    return all(map(_is_frozen, victims))


def _is_frozen(victim: Replica) -> bool:
    code = victim.process.poll()
    if code is not None:
        raise AssertionError(f"{victim.service} ended with {code} before it froze")
    return psutil.Process(victim.pid).status() == psutil.STATUS_STOPPED


def ended_at_random(stage: Stage, rounds: int, chance: Random) -> None:
    """SIGTERM services at random moments, some while they start: each exits with 0 and leaves no transaction open."""
    stage.asks_tool = True
    for _ in range(rounds):
        with stage.fault():
            service = chance.choice(ENDLESS)
            replica = chance.choice(stage.of(service))
            successor = stage.spawn(service)
            stage.pause(chance.uniform(0, 2))
            if chance.random() < 1 / 3:
                replica = successor
            stage.terminate(replica)


def hanging_commit(stage: Stage, rounds: int, _chance: Random) -> None:
    """Let a commit never return: the watchdog ends the process, and others go on."""
    for _ in range(rounds):
        with stage.fault():
            hanging = [stage.spawn(service, point=HANG, keep=False) for service in ("detector", "legit_processor")]
            for replica in hanging:
                code = stage.wait_for_end(replica, DIES_WITHIN)
                if code != EXIT_SOFTWARE:
                    raise AssertionError(f"{replica.service} ended with {code}, not by its watchdog")
