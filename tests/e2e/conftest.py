"""What tests of whole processes share."""

from __future__ import annotations

from tests.support.browser import browser

__all__ = ["browser"]  # the fixture: taken over by each module for itself, there would be one browser for each
