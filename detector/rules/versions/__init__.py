"""Versions of rules in a compacted topic: which there are, which is in force, and who made it so. Pure.

``body`` is what a version holds, ``records`` how it stands in the topic, ``marks`` what offsets say of it;
``difference`` and ``editing`` are what people ask for. The topic itself is read and written by ``detector.versions``.
"""
