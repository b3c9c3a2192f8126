"""Records that the client alone would never get past, on a real Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kafka.record.default_records import DefaultRecordBatchBuilder

from pipeline.contracts import topics
from tests.support.deployment import headers_of
from tests.support.parts import on_both_paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.integration, on_both_paths]

GOOD = b'{"source":"A1","target":"B2","amount":231.67,"currency":"EUR"}'


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_every_compression_is_read(codec: str, deploy: Callable[..., Deployment]) -> None:
    """Guard: the libraries in the requirements; a batch that cannot be unpacked stops its partition for ever."""
    pipeline = deploy(partitions=1)
    pipeline.put(GOOD, GOOD, compression_type=codec)
    with pipeline.running("detector"):
        assert pipeline.wait_until_judged(2).clean


def test_a_header_name_that_is_no_utf8_is_read(
    deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guard: ``header_names``; without it one such record stops its partition for ever."""
    pipeline = deploy(partitions=1)
    written = DefaultRecordBatchBuilder.append
    name = "\udcff\udcfe-name"

    class Name(str):
        """A header name that encodes to other bytes than UTF-8."""

        __slots__ = ()

        def encode(self, *_: str) -> bytes:
            return super().encode("utf-8", "surrogateescape")

    def append(*arguments: Any, **more: Any) -> Any:
        return written(*arguments[:-1], [(Name(name), b"x")], **more)

    with monkeypatch.context() as patched:
        patched.setattr(DefaultRecordBatchBuilder, "append", append)
        pipeline.put(GOOD)
    pipeline.put(GOOD)
    with pipeline.running("detector"):
        assert pipeline.wait_until_judged(2).clean
    first, _ = pipeline.records(topics.LEGIT)
    assert headers_of(first) == {"\\xff\\xfe-name": b"x", "pipeline.origin": b"0:0"}
