"""Others that do the detector's job, each a script for an interpreter of its own; they import nothing of ours.

Set up by ``BOOTSTRAP``, ``GROUP``, ``INPUT``, ``LEGIT``, ``FRAUD`` and ``COMMIT_SECONDS``; they run until SIGTERM.
"""
