"""How the tables of the ledger came to be, release by release; Alembic runs what is new."""
