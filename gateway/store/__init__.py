"""The door to the database: tables, threads, migrations. The only room that knows peewee.

Callers get frozen dataclasses from `records`, never model instances. `relay` imports `records` alone;
`__main__`, `control` and `admin` hold a `Store` (database.py).
"""
