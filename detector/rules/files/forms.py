"""The forms and bounds of what a file of rules says: for reading it, and for its schema."""

from __future__ import annotations

from typing import Final

from detector.rules.expressions import Kind

RULE_ID: Final = r"[a-z0-9]+(-[a-z0-9]+){0,15}"
CURRENCY: Final = r"[A-Z]{3}|any"
TAG: Final = r"[A-Za-z0-9_.:-]{1,64}"
MEMBER_PATH: Final = r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*){0,7}"
VARIABLE: Final = r"[A-Z][A-Z0-9_]{0,63}"
MEMBER_KINDS: Final = {"number": Kind.NUMBER, "text": Kind.TEXT, "truth": Kind.TRUTH}

MAX_RULES: Final = 10_000
MAX_SCORE: Final = 1_000
MAX_THRESHOLD: Final = 1_000_000
DEFAULT_SCORE: Final = 100
DEFAULT_SEVERITY: Final = "medium"
DEFAULT_THRESHOLD: Final = 100
DEFAULT_ZONE: Final = "UTC"
