"""Where Alembic finds the connection: it is handed in, within a transaction."""

from alembic import context

from pipeline.contracts.cases import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
