"""Hosts of pictures, one module each: what is sent to put a picture there, and what the answer says. Pure."""
