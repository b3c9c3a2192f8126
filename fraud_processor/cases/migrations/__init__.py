"""How the tables of cases came to be, release by release; Alembic runs what is new."""
