"""The page, who may see it, and how it is kept up to date."""
