"""The tutorial's detector: kafka-python, record by record, offsets committed by themselves every five seconds.

At least once at best: what was not flushed when it is killed is lost or comes twice. It prints nothing here.
"""

from __future__ import annotations

import json
import os

from kafka import KafkaConsumer, KafkaProducer

LIMIT = 900


def main() -> None:
    """Forward for ever."""
    bootstrap = os.environ["BOOTSTRAP"]
    consumer = KafkaConsumer(
        os.environ["INPUT"],
        bootstrap_servers=bootstrap,
        group_id=os.environ["GROUP"],
        auto_offset_reset="earliest",
        value_deserializer=json.loads,
    )
    producer = KafkaProducer(bootstrap_servers=bootstrap, value_serializer=lambda value: json.dumps(value).encode())
    legit, fraud = os.environ["LEGIT"], os.environ["FRAUD"]
    for message in consumer:
        transaction = message.value
        producer.send(fraud if transaction["amount"] >= LIMIT else legit, value=transaction)


if __name__ == "__main__":
    main()
