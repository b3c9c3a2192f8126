"""What an audit could not see, and why: a sentence each. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipeline.operations.audit.scope import BranchScope, Scope


def notes_of(scope: Scope, branches: Iterable[BranchScope], unseen: int, unjudged: Mapping[int, int]) -> list[str]:
    """Return the sentences.

    ``unseen`` is how much input was not called lost because outputs were cut, ``unjudged`` how many outcomes were found
    by partition of the input in which the detector has committed nothing.
    """
    return [
        *_of_the_input(scope, unseen, unjudged),
        *(note for branch in branches for note in _of_a_branch(branch)),
    ]


def _of_the_input(scope: Scope, unseen: int, unjudged: Mapping[int, int]) -> Iterator[str]:
    if unjudged:
        partitions = ", ".join(map(str, sorted(unjudged)))
        yield (
            f"the detector has committed nothing in partition {partitions}, yet {sum(unjudged.values()):,} outcomes "
            "name it: none of them is judged; were offsets deleted, or is it another KAFKA_ID_PREFIX?"
        )
    elif not scope.committed:
        yield "the detector has committed nothing, so nothing of the input is judged"
    for partition, offset in sorted(scope.committed.items()):
        if offset > scope.log_ends.get(partition, 0):
            yield (
                f"partition {partition}: the detector has committed {offset:,}, the topic ends at "
                f"{scope.log_ends.get(partition, 0):,}; was it made anew?"
            )
    removed = _listed(scope.beginnings)
    if removed:
        yield f"retention has removed the input before {removed}: what became of it is not judged"
    if unseen:
        yield (
            f"{unseen:,} transactions without an outcome are not called lost: "
            "retention has removed the part of an output in which it may have been"
        )


def _of_a_branch(branch: BranchScope) -> Iterator[str]:
    removed = _listed(branch.beginnings)
    if removed:
        yield f"retention has removed {branch.topic.key} before {removed}: effects of those records are not judged"
    if not branch.committed and any(end > branch.beginnings.get(place, 0) for place, end in branch.ends.items()):
        yield f"{branch.processor} has committed nothing, so none of its effects are judged"


def _listed(beginnings: Mapping[int, int]) -> str:
    return " ".join(f"{partition}:{offset}" for partition, offset in sorted(beginnings.items()) if offset)
