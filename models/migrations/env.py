"""How Alembic reaches the database. On PostgreSQL two upgrades at once wait for each other."""

from alembic import context
from sqlalchemy import text

from models.session import build_engine
from models.tables import Base

ADVISORY_LOCK = 4105250123


def run() -> None:
    url = context.config.get_main_option("sqlalchemy.url") or ""
    engine = build_engine(url)
    with engine.execution_options(writes=True).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
        )
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
            context.run_migrations()
    engine.dispose()


run()
