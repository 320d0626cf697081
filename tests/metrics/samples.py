"""Calls to count, and how a scrape's numbers are read in tests."""

from collections.abc import Mapping
from dataclasses import replace

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics.registry import Registry
from gateway.store.records import AttemptRecord, CallRecord

MODEL = "gemini-3.5-flash"
CALL = CallRecord(
    request_id="r",
    started_at_ms=0,
    dialect="openai",
    operation="chat",
    model=MODEL,
    token_id=1,
    key_id=2,
    status=200,
    outcome="success",
    failure_kind=None,
    stream=True,
    duration_ms=1500,
    first_token_ms=300,
    prompt_tokens=8,
    completion_tokens=5,
    thought_tokens=20,
    cached_tokens=3,
    total_tokens=33,
    attempts=(AttemptRecord(1, 2, "AI…1k", None, 200, 1500, 0),),
)
WORK = ("gemini", 0.0004, 1.2)
"""What is measured of a call: its provider, the gateway's own time and how long it was told, in seconds."""
FAILED_OVER = replace(
    CALL,
    attempts=(
        AttemptRecord(1, 1, "AI…9z", "rate_minute", 429, 100, 0),
        AttemptRecord(2, 3, "AI…7q", "overloaded", 503, 100, 100),
        AttemptRecord(3, 2, "AI…1k", None, 200, 1300, 200),
    ),
)


def families(metrics: Registry) -> dict[str, Metric]:
    text, media_type = metrics.exposition()
    assert media_type.startswith("text/plain")
    return {family.name: family for family in text_string_to_metric_families(text.decode())}


def names(metrics: Registry) -> set[str]:
    """The names of all samples."""
    return {sample.name for family in families(metrics).values() for sample in family.samples}


def value(metrics: Registry, sample_name: str, **labels: str) -> float:
    """Give a sample; 0 when there is none with these labels."""
    for family in families(metrics).values():
        for sample in family.samples:
            if sample.name == sample_name and _has(sample.labels, labels):
                return sample.value
    return 0.0


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(name) == text for name, text in wanted.items())
