"""Adds an entry to a list of a version, or removes it, and leaves all else of the texts as it is. Pure."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from detector.rules.files.document import LOADER
from detector.rules.files.reading import read_rules
from detector.rules.problems import RuleFileUnreadableError
from detector.rules.versions.body import reader_of
from pipeline.contracts.moments import microseconds_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.rules.files.list_entries import Entries
    from detector.rules.problems import Problem
    from pipeline.contracts.rule_bodies import RuleBody


class ListEditError(Exception):
    """The list cannot be changed so; the sentence says why."""


def with_entry(body: RuleBody, list_id: str, value: str, until: str | None) -> RuleBody:
    """Return the version with a value on a list, until a moment (ISO 8601 with an offset; None: for ever).

    Raises:
        ListEditError: there is no such list, or its text cannot be changed by a command.

    """
    wanted = entries_of(body, list_id)
    without = without_entry(body, list_id, value) if value in wanted else body
    ends_at = None if until is None else microseconds_of(datetime.fromisoformat(until))
    return _checked(
        _edited(without, list_id, lambda text: _appended(text, value, until), lambda at: _insert(at, value, until)),
        list_id,
        {**wanted, value: ends_at},
    )


def without_entry(body: RuleBody, list_id: str, value: str) -> RuleBody:
    """Return the version without a value on a list, on which it must be.

    Raises:
        ListEditError: as above, or the value is not there.

    """
    wanted = entries_of(body, list_id)
    if value not in wanted:
        raise ListEditError(f"{value!r} is not on the list {list_id}")
    del wanted[value]
    return _checked(
        _edited(body, list_id, lambda text: _dropped(text, value), lambda at: _remove(at, value)), list_id, wanted
    )


def entries_of(body: RuleBody, list_id: str) -> Entries:
    """Return the entries of a list, as it would be loaded.

    Raises:
        ListEditError: there is no such list.

    """
    problems: list[Problem] = []
    spec = read_rules(body.text, problems, reader_of(body), body.variables)
    if spec is None or problems:
        raise ListEditError("the version cannot be read")
    for one in spec.lists:
        if one.id == list_id:
            return dict(one.entries)
    known = ", ".join(one.id for one in spec.lists) or "none"
    raise ListEditError(f"there is no list {list_id}; there are: {known}")


class _Found:
    """The entries of a list as they stand in the text: each begins and ends at a character of it."""

    def __init__(self, text: str, node: yaml.SequenceNode) -> None:
        self.text = text
        self.flow = bool(node.flow_style)
        self.begin, self.end = node.start_mark.index, node.end_mark.index
        self.items = [(_value_of(item), item.start_mark.index, _end_of(item)) for item in node.value]


def _checked(body: RuleBody, list_id: str, wanted: Entries) -> RuleBody:
    """Return a version that was edited, where it says what was wanted: texts may be written in many ways."""
    try:
        found = entries_of(body, list_id)
    except ListEditError:
        found = {}
    return body if found == wanted else _beyond()


def _edited(body: RuleBody, list_id: str, of_file: Callable[[str], str], of_text: Callable[[_Found], str]) -> RuleBody:
    members = _list_node(body.text, list_id)
    if "file" in members:
        name = str(members["file"].value)
        try:
            return replace(body, files={**body.files, name: of_file(reader_of(body)(name))})
        except RuleFileUnreadableError as error:
            raise ListEditError(str(error)) from None
    return replace(body, text=of_text(_Found(body.text, members["entries"])))


def _list_node(text: str, list_id: str) -> dict[str, Any]:
    """Return the members of a list, which must be there, as YAML's nodes."""
    # As where it is read: JSON may be indented by tabs.
    text = text.replace("\t", " ") if text.lstrip()[:1] in {"{", "["} else text
    lists = members_of(yaml.compose(text, Loader=LOADER))["lists"]
    return next(found for found in map(members_of, lists.value) if found["id"].value == list_id)


def members_of(node: Any) -> dict[str, Any]:  # noqa: ANN401 (what was read before has the right shape)
    """Return the members of a mapping, of YAML's nodes, by name."""
    return {key.value: value for key, value in node.value}


def _value_of(item: yaml.Node) -> str:
    return str(members_of(item)["value"].value if isinstance(item, yaml.MappingNode) else item.value)


def _end_of(item: yaml.Node) -> int:
    """Return behind which character an entry ends; the mark of a mapping may stand behind comments that follow."""
    if isinstance(item, yaml.MappingNode) and not item.flow_style and item.value:
        return _end_of(item.value[-1][1])
    return int(item.end_mark.index)


def _written(value: str, until: str | None) -> str:
    """Return an entry as JSON, which is YAML too."""
    quoted = json.dumps(value)
    return quoted if until is None else f"{{value: {quoted}, until: {json.dumps(until)}}}"


def _insert(found: _Found, value: str, until: str | None) -> str:
    text, written = found.text, _written(value, until)
    if not found.items:
        return f"{text[: found.begin]}[{written}]{text[found.end :]}"
    _, begin, end = found.items[-1]
    if found.flow:
        return f"{text[:end]}, {written}{text[end:]}"
    end = _line_end(text, end)
    line = text[text.rfind("\n", 0, begin) + 1 : begin]
    return f"{text[:end]}\n{line}{written}{text[end:]}" if line.strip() == "-" else text


def _remove(found: _Found, value: str) -> str:
    text = found.text
    number, (_, begin, end) = next((at, item) for at, item in enumerate(found.items) if item[0] == value)
    if len(found.items) == 1:
        return f"{text[: found.begin]}[]{text[(found.end if found.flow else end) :]}"
    if found.flow:
        if number:
            return text[: found.items[number - 1][2]] + text[end:]
        return text[:begin] + text[found.items[1][1] :]
    start = text.rfind("\n", 0, begin) + 1
    if text[start:begin].strip() != "-":
        return text
    return text[:start] + text[_line_end(text, end) + 1 :]


def _beyond() -> NoReturn:
    raise ListEditError("its entries are written in a way that a command does not change: edit the file, and push it")


def _line_end(text: str, at: int) -> int:
    """Return where the line of a character ends."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _appended(text: str, value: str, until: str | None) -> str:
    """Return the text of a file of entries with one more line."""
    if value != value.strip() or value.startswith("#") or "," in value or len(value.splitlines()) != 1:
        raise ListEditError(f"{value!r} cannot stand in a file of entries")
    line = value if until is None else f"{value}, {until}"
    return f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{line}\n"


def _dropped(text: str, value: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if line.partition(",")[0].strip() != value)
