"""What `/metrics` tells: every metric declared, counted as plain numbers, written as Prometheus reads it."""
