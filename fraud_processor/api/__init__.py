"""How anything else reaches the cases: their database belongs to the fraud processor alone."""
