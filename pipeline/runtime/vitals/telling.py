"""Whether the vital signs are served at all. Most who run a service by hand do not ask: it costs ten megabytes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.runtime.settings import ProcessSettings
    from pipeline.runtime.vitals.vitals import Vitals


@contextmanager
def told(vitals: Vitals, process: ProcessSettings) -> Iterator[None]:
    """Serve the vital signs for the time of the block; nothing where no port is set.

    Raises:
        CannotListenError: nobody can listen there.

    """
    if not process.metrics_port:
        yield
        return
    from pipeline.runtime.vitals.endpoint import listening  # noqa: PLC0415 (see above)

    with listening(vitals, process.metrics_host, process.metrics_port):
        yield
