"""The database behind its door: frozen dataclasses in and out, peewee nowhere else.

`Store` (store.py) is what the rest of the house holds; `records` is plain data that anyone may import.
"""
