"""Runs a cluster as a foreground command: from parsed options to an exit code."""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kafka_local.arguments import parse
from kafka_local.cluster import Cluster
from kafka_local.errors import EXIT_FAILED, EXIT_STOPPED, BrokerFailedError, KafkaLocalError
from kafka_local.lifetime import StopRequested, stop_with_parent, stopping_on_signals
from kafka_local.settings import Settings
from kafka_local.state import announced, running_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kafka_local.arguments import Options

LOOK_AT_NODES_EVERY_SECONDS = 0.2

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str], environment: Mapping[str, str], parent: int) -> int:
    """Do what ``arguments`` ask for, and return the exit code; ``parent`` is who started this process."""
    options = parse(arguments)
    with _logging_to_stderr(verbose=options.verbose):
        return _print_address(environment) if options.address else _run(options, environment, parent)


def _run(options: Options, environment: Mapping[str, str], parent: int) -> int:
    """Return the exit code that belongs to how the cluster ended."""
    try:
        with stopping_on_signals(detached=options.detached):
            if not options.detached:
                stop_with_parent(parent)
            _serve(options, Settings.from_env(environment))
    except StopRequested:
        logger.debug("stopped")
    except KafkaLocalError as error:
        logger.error("%s", error)  # noqa: TRY400 the sentence is for a person; a traceback would bury it
        return error.exit_code
    return EXIT_STOPPED


def _serve(options: Options, settings: Settings) -> None:
    """Run the cluster until StopRequested is raised; raises BrokerFailedError when a node ends before that."""
    began = time.monotonic()
    cluster = Cluster(
        options.nodes, properties=options.properties, data=options.data, port=options.port, settings=settings
    )
    with cluster, announced(settings, cluster.bootstrap_servers) as is_announced:
        if not is_announced:
            logger.warning(
                "another Kafka is announced at %s, so this one is not", running_address(settings.environment)
            )
        logger.info("ready in %.1f s; Ctrl-C or `kill %d` stops it", time.monotonic() - began, os.getpid())
        sys.stdout.write(f"ready {cluster.bootstrap_servers}\n")
        sys.stdout.flush()
        while True:
            for node in cluster.nodes:
                if not node.running:
                    raise BrokerFailedError(node.failure("ended by itself"))
            time.sleep(LOOK_AT_NODES_EVERY_SECONDS)


def _print_address(environment: Mapping[str, str]) -> int:
    address = running_address(environment)
    if address is None:
        logger.error("no Kafka runs; start one with `python -m kafka_local`")
        return EXIT_FAILED
    sys.stdout.write(f"{address}\n")
    return EXIT_STOPPED


@contextmanager
def _logging_to_stderr(*, verbose: bool) -> Iterator[None]:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("kafka_local: %(message)s"))
    package = logging.getLogger("kafka_local")
    package.addHandler(handler)
    package.setLevel(logging.DEBUG if verbose else logging.INFO)
    try:
        yield
    finally:
        package.removeHandler(handler)
