"""Commands on the topic of rules: ``push``, ``list``, ``rollback``, ``diff``, and ``lists``."""
