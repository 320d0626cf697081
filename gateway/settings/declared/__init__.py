"""The settings as they are declared, one module a group; model.py joins them, loose.py reads texts."""
