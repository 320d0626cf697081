"""The container image and what is run beside it: Dockerfile, lock file, entry point, compose files."""
