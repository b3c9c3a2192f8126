"""Answers that take a question to the cluster: asked in a thread, and refused as what they are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from fastapi import HTTPException

from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


async def looked_up(work: Callable[[], T]) -> T:
    """Return what ``work`` returns.

    Raises:
        HTTPException: 404, where it raises LookupError; 503, where the cluster does not answer.

    """
    try:
        return await asyncio.to_thread(work)
    except LookupError as error:
        raise HTTPException(404, str(error.args[0])) from None
    except KafkaError:
        raise HTTPException(503, "Kafka does not answer", {"Retry-After": "5"}) from None
