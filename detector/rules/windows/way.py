"""Which of two ways takes transactions in and reads windows: text that is written for a plan, or code that is compiled.

The interpreter is quickest with a function that has no call and no loop in it; where the windows are compiled, calls
into them are quicker than that (see ADR 10). Both do the same, and the same tests hold both.
"""

from __future__ import annotations

from types import FunctionType

from detector.rules.windows.clock import moved

COMPILED = not isinstance(moved, FunctionType)
