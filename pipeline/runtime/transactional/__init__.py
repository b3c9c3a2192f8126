"""The exactly-once loop: what was read, what is written because of it, and the offsets, in one transaction.

``loop`` is the sequence of steps, ``intake`` the reading side, ``output`` the writing side, ``start`` where a
partition is begun.
"""

from pipeline.runtime.transactional.intake import Intake
from pipeline.runtime.transactional.loop import TransactionalLoop
from pipeline.runtime.transactional.output import Output

__all__ = ["Intake", "Output", "TransactionalLoop"]
