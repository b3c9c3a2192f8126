"""``python -m kafka_local.tools NAME ARGUMENTS...``: Kafka's own console tools, on the jars that are here anyway."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from kafka_local.errors import EXIT_USAGE, KafkaLocalError
from kafka_local.guard import Guard
from kafka_local.installation import TOOL_LOGGING, Installation
from kafka_local.jars import libraries
from kafka_local.settings import Settings
from kafka_local.toolchain import find_java

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# By the names of the scripts in Kafka's own bin folder, without "kafka-" and ".sh".
TOOLS = {
    "configs": "kafka.admin.ConfigCommand",
    "console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "features": "org.apache.kafka.tools.FeatureCommand",
    "get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
    "topics": "org.apache.kafka.tools.TopicCommand",
    "transactions": "org.apache.kafka.tools.TransactionsCommand",
}
HEAP = ("-Xmx256m",)


def usage() -> str:
    """Return what to type."""
    return f"usage: python -m kafka_local.tools NAME [ARGUMENTS]\nNAME is one of: {', '.join(TOOLS)}"


def tool_command(name: str, arguments: Sequence[str], settings: Settings) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment that run the tool ``name``; fetches the jars where they are missing."""
    guard = Guard()
    try:
        installation = Installation(find_java(settings), libraries(settings, guard), settings.environment)
    finally:
        guard.release()
    command = installation.command(TOOLS[name], *arguments, options=(*HEAP, *TOOL_LOGGING))
    return command, installation.environment


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Become the tool that ``arguments`` name, or say what is wrong and exit."""
    if arguments[:1] in (["--help"], ["-h"]):
        sys.stdout.write(f"{usage()}\n")
        sys.exit(0)
    if not arguments or arguments[0] not in TOOLS:
        sys.stderr.write(f"{usage()}\n")
        sys.exit(EXIT_USAGE)
    try:
        command, surroundings = tool_command(arguments[0], arguments[1:], Settings.from_env(environment))
    except KafkaLocalError as error:
        sys.stderr.write(f"kafka_local: {error}\n")
        sys.exit(error.exit_code)
    # Not a child: signals, the terminal and the exit code are the tool's own.
    os.execve(command[0], command, surroundings)  # noqa: S606 no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
