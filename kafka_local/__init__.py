"""A real Apache Kafka (KRaft) on this machine, without Docker: Java 17 or newer, and Maven for the first run.

As a command: ``python -m kafka_local --help``. As a library::

    with Cluster(nodes=3, properties={"message.max.bytes": "2000000"}) as cluster:   # returns when it serves
        cluster.bootstrap_servers          # "127.0.0.1:PORT,127.0.0.1:PORT,127.0.0.1:PORT"
        node = cluster.nodes[0]            # .id .address .pid .running .serving .log_path
        node.kill()                        # SIGKILL, and wait until it is gone
        node.start()                       # same data, same ports; returns when it serves, raises if it does not
        node.pause(); node.resume()        # SIGSTOP, SIGCONT
        node.stop()                        # SIGTERM; kills when it takes too long
        node.launch()                      # start without waiting, e.g. all nodes of a stopped quorum, and then
        cluster.wait_until_serving()       # wait for all

    with Cluster(fronts=[20500]) as cluster:   # clients of .front_servers come through 127.0.0.1:20500,
        forward(20500, cluster.nodes[0].back_port)              # where somebody has to forward to the node

- *Serving* means that a client can work: the node has joined the quorum, is registered and unfenced, and takes
  requests. It does not mean that a restarted node is back in the in-sync replicas of every partition.
- Data is temporary unless ``data=`` names a folder. Java processes and temporary data end with the process that made
  the ``Cluster``, also when it is SIGKILLed.
- ``running_address()`` finds the Kafka that the command runs. A ``Cluster`` is never announced there.
- Errors are ``KafkaLocalError``s whose text is for people. Progress goes to the logger ``kafka_local``.
- A ``Cluster`` is for one thread at a time; it installs no signal handlers.
"""

from __future__ import annotations

from kafka_local.cluster import Cluster
from kafka_local.errors import (
    BrokerFailedError,
    KafkaLocalError,
    MissingToolError,
    PreparationError,
    RequestError,
)
from kafka_local.node import Node
from kafka_local.state import running_address

__all__ = [
    "BrokerFailedError",
    "Cluster",
    "KafkaLocalError",
    "MissingToolError",
    "Node",
    "PreparationError",
    "RequestError",
    "running_address",
]
