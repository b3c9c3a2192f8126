"""The language of conditions: a safe part of Python's grammar, checked against kinds when it is loaded. Pure.

``grammar`` says what may be written, ``kinds`` what values there are, ``functions`` what may be called; ``compiling``
makes text of Python of an expression, of which ``code`` makes a function. Nothing that an expression holds gets into
that text or is ever looked up in Python: names are fields of the transaction and declared members, functions are those
of the table.
"""

from detector.rules.expressions.compiling import Compiled, compile_expression
from detector.rules.expressions.kinds import EvaluationError, Kind
from detector.rules.expressions.names import Names

__all__ = ["Compiled", "EvaluationError", "Kind", "Names", "compile_expression"]
