"""Single frauds, by HTTP: which case each of them is in. All of it reads and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query

from fraud_processor.cases.finding import MOST, Found, Sought, of_record, of_transaction
from pipeline.contracts.case_requests import MAX_ID_CHARACTERS, Offset, Partition, TopicName
from pipeline.runtime.database.engine import begun

if TYPE_CHECKING:
    from sqlalchemy import Engine


def alerts_routes(engine: Engine) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/alerts")
    def alerts(
        transaction: Annotated[str, Query(min_length=1, max_length=MAX_ID_CHARACTERS)],
        most: Annotated[int, Query(ge=1, le=MOST)] = 50,
    ) -> list[Found]:
        """Return the frauds of a transaction's id, each with its case, the latest first; those that are in one."""
        with begun(engine, reading=True) as connection:
            return of_transaction(connection, transaction, most)

    @router.get("/alerts/at")
    def alert(topic: TopicName, partition: Partition, offset: Offset) -> Sought:
        """Return the fraud that stands in a record, with its case, and whether the record was read by now."""
        with begun(engine, reading=True) as connection:
            return of_record(connection, topic, partition, offset)

    return router
