"""Numbered changes of the schema, run in order by gateway/store/schema.py. Never edit a released one."""
