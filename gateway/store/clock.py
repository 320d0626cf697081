"""The database's own clock: the one that every machine on it shares."""

from gateway.store.orm import peewee


def clock_ms(database: peewee.Database) -> peewee.SQL:
    """Epoch milliseconds as an expression; on MySQL of the moment its statement began."""
    if isinstance(database, peewee.MySQLDatabase):
        # UNIX_TIMESTAMP reads what it is given in the session's time zone, whose clocks are put back.
        return peewee.SQL("(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000)")
    # The milliseconds of unixepoch() need a SQLite of 2023.
    return peewee.SQL("CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)")


def read_clock_ms(database: peewee.Database) -> int:
    """What the database's clock shows."""
    (now_ms,) = database.execute_sql(f"SELECT {clock_ms(database).sql}").fetchone()
    return int(now_ms)
