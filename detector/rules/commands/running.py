"""Carries out a command on the topic of rules."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from detector.rules.commands.changing import change_list, push, rollback
from detector.rules.commands.desk import Desk
from detector.rules.commands.looking import show_difference, show_list
from pipeline.errors import EXIT_FAILURE, PipelineError
from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from pipeline.runtime.lifecycle import Stop

COMMANDS: Final[dict[str, Callable[[argparse.Namespace, Desk], None]]] = {
    "push": push,
    "list": show_list,
    "rollback": rollback,
    "diff": show_difference,
    "lists": change_list,
}


def carry_out(asked: argparse.Namespace, values: Mapping[str, str], stop: Stop) -> int:
    """Return the exit code: 1 where it cannot be done, 2 where settings are bad, 69 where Kafka does not answer."""
    try:
        COMMANDS[asked.command](asked, Desk.open(values, stop))
    except (PipelineError, KafkaError) as error:
        sys.stderr.write(f"rules: {error or type(error).__name__}\n")
        return error.exit_code if isinstance(error, PipelineError) else EXIT_FAILURE
    return 0
