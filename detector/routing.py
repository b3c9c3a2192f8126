"""Where a record goes after its judgement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from detector.rules.ruleset import NOTHING
from pipeline.contracts import topics
from pipeline.contracts.codec import with_verdict
from pipeline.contracts.headers import HITS
from pipeline.contracts.hits import encode_hits
from pipeline.contracts.messages import Verdict
from pipeline.contracts.records import Outgoing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detector.rules.ruleset import Judgement
    from pipeline.contracts.records import Record

AS_IT_IS = (Outgoing(topics.LEGIT),)


class _Judged(msgspec.Struct):
    verdict: Verdict


_judged: Final = msgspec.json.Decoder(_Judged).decode


def told_of(outgoing: Sequence[Outgoing]) -> Mapping[str, str]:
    """Return what a trace says of what is written: by which rules it is fraud."""
    if len(outgoing) != 1 or outgoing[0].topic != topics.FRAUD:
        return {}
    verdict = _judged(outgoing[0].value or b"").verdict
    return {"fraud.rules": ",".join(hit.rule for hit in verdict.hits), "fraud.ruleset": verdict.ruleset}


def routed(record: Record, judgement: Judgement, version: str) -> tuple[Outgoing, ...]:
    """Return what to write: a legitimate record as it is, a fraudulent one with its verdict.

    Hits that did not suffice, and caveats, stand in a header, with the version of the rules.
    """
    if judgement is NOTHING:
        return AS_IT_IS
    if judgement.verdict is None:
        noted = encode_hits(version, judgement.noted, judgement.caveats)
        return (Outgoing(topics.LEGIT, headers=((HITS.name, noted),)),)
    return (Outgoing(topics.FRAUD, with_verdict(record.value or b"", judgement.verdict)),)
