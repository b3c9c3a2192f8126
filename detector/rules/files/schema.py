"""The JSON Schema of a file of rules, made of what reading takes: editors complete and underline by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from detector.rules.expressions.grammar import MAX_CHARACTERS
from detector.rules.expressions.kinds import DURATION
from detector.rules.files import forms
from detector.rules.files.behaviour import MAX_KEY, MAX_STEPS
from detector.rules.files.list_spec import ALLOW, LIST_TYPES
from detector.rules.files.spec import ACTIVE, MISS, MODES, ON_ERROR, SEVERITIES, SHADOW
from detector.rules.templates import MAX_CHARACTERS as MAX_MESSAGE

if TYPE_CHECKING:
    Schema = dict[str, object]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema() -> Schema:
    """Return the schema, fit for JSON. What expressions mean is beyond it: ``check`` finds that."""
    value: Schema = {"type": ["number", "string", "boolean"]}
    return {
        "$schema": DIALECT,
        "title": "Rules: what is fraud",
        "type": "object",
        "additionalProperties": False,
        "required": ["rules"],
        "properties": {
            "threshold": _whole(
                "Scores that make a transaction fraud together.",
                1,
                forms.MAX_THRESHOLD,
                forms.DEFAULT_THRESHOLD,
            ),
            "lateness": _text("How far behind its account's newest a transaction may come: 0s to 30d.", DURATION),
            "timezone": {
                "description": "Of hour() and weekday(), as the IANA database names it.",
                "type": "string",
                "default": forms.DEFAULT_ZONE,
            },
            "members": {
                "description": "Members of the message beyond the fields that every transaction has, with their kinds.",
                "type": "object",
                "propertyNames": {"pattern": _whole_text(forms.MEMBER_PATH)},
                "additionalProperties": {"enum": list(forms.MEMBER_KINDS)},
            },
            "variables": {
                "description": "Values by a name in capitals; a list of them stands behind in.",
                "type": "object",
                "propertyNames": {"pattern": _whole_text(forms.VARIABLE)},
                "additionalProperties": {"anyOf": [value, {"type": "array", "items": value}]},
            },
            "lists": {"type": "array", "items": _list()},
            "rules": {"type": "array", "maxItems": forms.MAX_RULES, "items": _rule()},
        },
    }


def _list() -> Schema:
    entry = {
        "type": "object",
        "additionalProperties": False,
        "required": ["value"],
        "properties": {
            "value": _text("What is compared, character by character."),
            "until": {"description": "The last moment at which it holds.", "type": "string", "format": "date-time"},
        },
    }
    exempt = _text("The id of a rule, tag: and a tag, or * for all.")
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "type", "on"],
        "oneOf": [{"required": ["entries"]}, {"required": ["file"]}],
        "if": {"properties": {"type": {"const": ALLOW}}},
        "then": {"required": ["exempts"]},
        "properties": {
            "id": _text("What verdicts and metrics name.", forms.RULE_ID),
            "description": _text("For people."),
            "type": {"description": "deny always hits; allow exempts from rules.", "enum": list(LIST_TYPES)},
            "on": _text("The field or member that is compared: a text."),
            "entries": {"type": "array", "items": {"anyOf": [{"type": ["string", "number"]}, entry]}},
            "file": _text("A file beside this one: a value a line, and behind a comma until when it holds."),
            "exempts": {"anyOf": [exempt, {"type": "array", "items": exempt}]},
            "severity": {"enum": list(SEVERITIES), "default": "critical"},
            "score": {"description": "Of deny; the threshold where nothing is said.", "type": "integer", "minimum": 0},
        },
    }


def _rule() -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["id"],
        "anyOf": [{"required": ["when"]}, {"required": ["sequence"]}],
        "dependentRequired": {"sequence": ["key", "within"], "within": ["sequence"]},
        "properties": {
            "id": _text("What verdicts and metrics name.", forms.RULE_ID),
            "description": _text("For people."),
            "when": _condition("An expression that is true or false, such as amount >= 900."),
            **_past(),
            "currency": _text("Of the amounts that are compared with numbers: a code, or any.", forms.CURRENCY),
            "severity": {"enum": list(SEVERITIES), "default": forms.DEFAULT_SEVERITY},
            "score": _whole("What a hit adds.", 0, forms.MAX_SCORE, forms.DEFAULT_SCORE),
            "mode": {
                "description": "shadow: evaluated and counted, never decisive.",
                "enum": list(MODES),
                "default": ACTIVE,
            },
            "quarantine": {
                "description": "shadow: where it hits far more often than usual, it goes into that mode by itself.",
                "enum": [SHADOW],
            },
            "rollout": {
                "description": "Per cent of keys for which it is active; the others see it as shadow.",
                "type": "number",
                "minimum": 0,
                "maximum": 100,
                "multipleOf": 0.01,
                "default": 100,
            },
            "message": {
                "description": "A sentence for people, with expressions in braces.",
                "type": "string",
                "maxLength": MAX_MESSAGE,
            },
            "tags": {
                "anyOf": [_text("A word.", forms.TAG), {"type": "array", "items": _text("A word.", forms.TAG)}],
            },
            "on_error": {
                "description": "What an expression without a value means.",
                "enum": list(ON_ERROR),
                "default": MISS,
            },
        },
    }


def _past() -> Schema:
    """Return the members that are about the past."""
    name = _text("A field or a member.")
    return {
        "key": {
            "description": "Whose history is looked at, such as source.",
            "anyOf": [name, {"type": "array", "items": name, "minItems": 1, "maxItems": MAX_KEY, "uniqueItems": True}],
        },
        "window": _text("How far back aggregates look, such as 90s, 24h or 30d.", DURATION),
        "filter": _condition("Which transactions of the history count."),
        "sequence": {
            "description": "Conditions in the order in which they happen; the last is about the transaction at hand.",
            "type": "array",
            "items": _condition("A step."),
            "minItems": 2,
            "maxItems": MAX_STEPS,
        },
        "within": _text("In which time a sequence happens, such as 1h.", DURATION),
    }


def _condition(description: str) -> Schema:
    return {"description": description, "type": ["string", "boolean"], "maxLength": MAX_CHARACTERS}


def _text(description: str, pattern: str | None = None) -> Schema:
    found: Schema = {"description": description, "type": "string"}
    return found if pattern is None else {**found, "pattern": _whole_text(pattern)}


def _whole(description: str, least: int, most: int, default: int) -> Schema:
    return {"description": description, "type": "integer", "minimum": least, "maximum": most, "default": default}


def _whole_text(pattern: str) -> str:
    return f"^(?:{pattern})$"
