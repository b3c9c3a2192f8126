"""What rules remember of a partition, written beside the log from time to time: a start need not read it all again.

``records`` is how it stands in its topic, ``book`` what stands there of one log and what goes, ``shelf`` finds the
newest that is whole: all pure. ``writer`` writes in a thread of its own, ``keeping`` packs between two transactions,
and ``resuming`` reads. Nothing here decides about a verdict: what is not there comes from the log (docs/rules.md).
"""
