"""Rules of other systems, as files of ours."""
