"""Tests of the metrics: what is counted, how workers are added up, what a scrape reads."""
