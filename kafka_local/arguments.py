"""The command line of ``python -m kafka_local``: text to frozen options, or argparse's own exit with code 2."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kafka_local.jars import kafka_version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EPILOG = """
When the cluster serves, one line is printed on standard output:  ready 127.0.0.1:PORT[,127.0.0.1:PORT...]
Ctrl-C or SIGTERM stops it in order, a second one at once. Everything listens on 127.0.0.1 only.
Needs Java 17 or newer and, on the first run only, Maven.

exit codes:  0 stopped, or address printed;  1 Kafka failed, or none runs;  2 wrong usage, or Java or Maven is missing
variables:   KAFKA_LOCAL_CACHE, KAFKA_LOCAL_STATE: folders for the jars and for the address file, each
             .kafka-local beside this package by default
"""

HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Options:
    """What the command was asked to do."""

    nodes: int
    data: Path | None
    port: int | None
    properties: Mapping[str, str]
    detached: bool
    verbose: bool
    address: bool


def parse(arguments: Sequence[str]) -> Options:
    """Return the options in ``arguments``; raises SystemExit, after usage on standard error, where they are wrong."""
    found = _parser().parse_args(arguments)
    return Options(
        nodes=found.nodes,
        data=found.data,
        port=found.port,
        properties=dict(found.property),
        detached=found.detached,
        verbose=found.verbose,
        address=found.address,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kafka_local",
        description=f"Run a real Apache Kafka {kafka_version()} on this machine, without Docker, until stopped.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--nodes", type=_count, default=1, metavar="N", help="number of nodes, broker and controller each (default 1)")
    add("--data", type=Path, metavar="DIR", help="keep data and Kafka's log in DIR, and go on with what is there")
    add("--port", type=_port, metavar="P", help="client port of the first node (default: a free one)")
    add(
        "--property",
        type=_property,
        action="append",
        default=[],
        metavar="K=V",
        help="a property for every broker; repeatable, wins over the defaults",
    )
    add("--detached", action="store_true", help="go on when the process that started this one, or its terminal, ends")
    add("--verbose", action="store_true", help="say on standard error what is run")
    add("--address", action="store_true", help="print the address of the Kafka that runs, and exit")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to {HIGHEST_PORT}")
    return int(text)


def _property(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form name=value")
    return name.strip(), value.strip()
