"""What Alembic runs: the steps, in the transaction of whoever called `db.schema.upgrade`."""

from __future__ import annotations

from alembic import context

from modelport.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter a column: the table is made anew
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
