"""Files of rules: read with the place of everything in them, so that every error names line and column. Pure."""
