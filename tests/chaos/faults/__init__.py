"""The faults, by what they hurt: each is a function of a stage, a length, and a source of chance."""
