"""The JSON API of the admin, on real sockets."""
