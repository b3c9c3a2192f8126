"""What is asked of the interface to the cases: by programs, by the dashboard, and by people through either."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.contracts.coordinates import MAX_OFFSET, MAX_PARTITION

MAX_WHO_CHARACTERS: Final = 100
MAX_NOTE_CHARACTERS: Final = 4_000
MAX_NUMBER: Final = 2**31 - 1
# An id of a transaction has up to 256 characters; one that no database takes as it is, is told in hexadecimal digits.
MAX_ID_CHARACTERS: Final = 2_100
# What is blank is not the same to all languages: the last ones are to Python, which callers may use to check.
NOT_BLANK: Final = r"[^\s\x1c-\x1f]"

Number = Annotated[int, Field(ge=1, le=MAX_NUMBER, description="the number of the case")]
State = Literal["open", "acknowledged", "confirmed", "false-alarm", "closed", "pending", "all"]
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$", description="the name of a topic")]
Partition = Annotated[int, Field(ge=0, le=MAX_PARTITION)]
Offset = Annotated[int, Field(ge=0, le=MAX_OFFSET)]


class Doing(BaseModel):
    """Who does something to a case, and what they have to say."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(min_length=1, max_length=MAX_WHO_CHARACTERS, pattern=NOT_BLANK)
    note: str = Field(default="", max_length=MAX_NOTE_CHARACTERS)


class Noting(Doing):
    """A note has to say something."""

    note: str = Field(min_length=1, max_length=MAX_NOTE_CHARACTERS, pattern=NOT_BLANK)


class Resolving(Doing):
    """What a case turned out to be."""

    finding: Literal["fraud", "false-alarm"]
    release: bool = False


class Problem(BaseModel):
    """Why something was not done."""

    detail: str


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Return what a document of an interface says of these answers."""
    return {code: {"model": Problem} for code in codes}
