"""What a process tells of itself while it runs: its figures, that its loop turns, and whether it is ready."""

from pipeline.runtime.vitals import metrics
from pipeline.runtime.vitals.figures import Distribution, Figure, Figures
from pipeline.runtime.vitals.vitals import Vitals

__all__ = ["Distribution", "Figure", "Figures", "Vitals", "metrics"]
