"""The benchmark: `make bench`. Its method is told in tests/load/README.md."""
