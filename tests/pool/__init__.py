"""Tests of the pool; everything runs on invented time and chosen chance."""
