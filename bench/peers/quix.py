"""Quix Streams with its exactly-once guarantee, written as its documentation does."""

from __future__ import annotations

import os

from quixstreams import Application

LIMIT = 900


def main() -> None:
    """Forward until SIGTERM."""
    application = Application(
        broker_address=os.environ["BOOTSTRAP"],
        consumer_group=os.environ["GROUP"],
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=float(os.environ["COMMIT_SECONDS"]),
        auto_create_topics=False,
        loglevel="WARNING",
    )
    transactions = application.topic(os.environ["INPUT"], value_deserializer="json")
    legit = application.topic(os.environ["LEGIT"], value_serializer="json")
    fraud = application.topic(os.environ["FRAUD"], value_serializer="json")
    stream = application.dataframe(transactions)
    stream.filter(lambda transaction: transaction["amount"] < LIMIT).to_topic(legit)
    stream.filter(lambda transaction: transaction["amount"] >= LIMIT).to_topic(fraud)
    application.run()


if __name__ == "__main__":
    main()
