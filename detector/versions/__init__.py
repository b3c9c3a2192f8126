"""The topic of rules on a cluster: read, written, seeded, and followed while the detector runs.

How versions stand in it is said by ``detector.rules.versions``, which knows no cluster.
"""
