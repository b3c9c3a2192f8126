"""Settings of the unit tests: properties are tried on the same examples in every run, however long one takes."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "unit", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unit")
