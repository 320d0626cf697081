"""Numbered changes of the schema, run in order by `gateway.store.schema`; the names are recorded.

Each file has `up(migrator, db)` and its own frozen copies of the models. A file that has been released
is never edited: add the next number.
"""
