"""What rules see of the past: windows of the history of a key, in memory. Pure: no clock, no host, no client.

``engine`` is what the rule set talks to. ``history`` turns the aggregates of a rule into a ``plan``: which keys,
which ``series`` of transactions each key's values have, which columns. ``taking`` writes the function that puts a
transaction into them. A ``view`` is what a series shows to the transaction at hand, ``reading`` computes aggregates
of it. Texts are ``shared`` (``sharing``). Beyond its newest transactions a series has ``panes``. A partition's keys are
``kept`` in buckets, which are packed and unpacked one by one (``packing``, ``unpacking``, ``chunk``) by who has the
same ``shape``; a ``gate`` lets the log behind that in. All of it is counted (``sizes``); beyond a bound,
``evicting`` lets go what was used the longest ago, and ``doubt`` marks what may lack it. docs/rules.md says what
all of this means ("Time and windows").
"""
