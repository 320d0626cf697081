"""Gemini Balance Gateway: one address for Google's Gemini API over a pool of keys."""

__version__ = "0.1.0"
