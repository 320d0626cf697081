"""Google's 429 answers: quotas used up by the minute or the day, and refusals without details.

Beside error_bodies.py, which holds every other error.
Source: as there. The body of the daily quota is a real one.
"""

from dataclasses import dataclass
from typing import Any

from gateway.simulator.error_bodies import RPC, SERVICE, ErrorAnswer, error_answer


@dataclass(frozen=True, slots=True)
class QuotaViolation:
    """One line of a QuotaFailure. `limit` None leaves quotaValue out, which happens."""

    metric: str
    quota_id: str
    limit: int | None
    model: str


_REQUESTS = "generate_content_free_tier_requests"
_TOKENS = "generate_content_free_tier_input_token_count"


def quota_exceeded(violations: list[QuotaViolation], retry_delay_s: float | None) -> ErrorAnswer:
    """Build the 429 with its three details; a delay of None leaves RetryInfo out."""
    lines = [
        "You exceeded your current quota, please check your plan and billing details. For more "
        "information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. To "
        "monitor your current usage, head to: https://ai.dev/rate-limit. "
    ]
    for violation in violations:
        limit = "" if violation.limit is None else f", limit: {violation.limit}"
        lines.append(
            f"* Quota exceeded for metric: {SERVICE}/{violation.metric}{limit}, model: {violation.model}"
        )
    if retry_delay_s is not None:
        lines.append(f"Please retry in {retry_delay_s:.9f}s.")
    rows = []
    for violation in violations:
        row: dict[str, Any] = {
            "quotaMetric": f"{SERVICE}/{violation.metric}",
            "quotaId": violation.quota_id,
            "quotaDimensions": {"location": "global", "model": violation.model},
        }
        if violation.limit is not None:
            row["quotaValue"] = str(violation.limit)
        rows.append(row)
    help_links = [
        {
            "description": "Learn more about Gemini API quotas",
            "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
        }
    ]
    details: list[dict[str, Any]] = [
        {"@type": RPC + "Help", "links": help_links},
        {"@type": RPC + "QuotaFailure", "violations": rows},
    ]
    if retry_delay_s is not None:
        # Google writes whole seconds, rounded down, whatever the message says.
        details.append({"@type": RPC + "RetryInfo", "retryDelay": f"{int(retry_delay_s)}s"})
    return error_answer(429, "RESOURCE_EXHAUSTED", "\n".join(lines), details)


def rate_minute(model: str = "gemini-3.5-flash", limit: int = 10, retry_delay_s: float = 17.4) -> ErrorAnswer:
    quota_id = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
    return quota_exceeded([QuotaViolation(_REQUESTS, quota_id, limit, model)], retry_delay_s)


def tokens_minute(
    model: str = "gemini-3.5-flash", limit: int = 250_000, retry_delay_s: float = 31.7
) -> ErrorAnswer:
    quota_id = "GenerateContentInputTokensPerModelPerMinute-FreeTier"
    return quota_exceeded([QuotaViolation(_TOKENS, quota_id, limit, model)], retry_delay_s)


def rate_day(
    model: str = "gemini-3.5-flash", limit: int = 20, retry_delay_s: float = 45.578569677
) -> ErrorAnswer:
    """Build the 429 of a day's quota; its short delay is a lie that Google tells."""
    quota_id = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
    return quota_exceeded([QuotaViolation(_REQUESTS, quota_id, limit, model)], retry_delay_s)


def rate_minute_and_day(model: str = "gemini-3.5-flash") -> ErrorAnswer:
    minute = QuotaViolation(_REQUESTS, "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", 10, model)
    day = QuotaViolation(_REQUESTS, "GenerateRequestsPerDayPerProjectPerModel-FreeTier", 20, model)
    return quota_exceeded([minute, day], 12.25)


def no_allowance(model: str = "gemini-3.1-pro-preview") -> ErrorAnswer:
    """Build the 429 of a model that is not offered to this tier: limit 0, minute and day."""
    minute = QuotaViolation(_REQUESTS, "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", 0, model)
    day = QuotaViolation(_REQUESTS, "GenerateRequestsPerDayPerProjectPerModel-FreeTier", 0, model)
    return quota_exceeded([day, minute], 22.9)


def rate_unknown() -> ErrorAnswer:
    return error_answer(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).")


def spend_cap() -> ErrorAnswer:
    message = (
        "Your project has exceeded its monthly spending cap. Please go to AI Studio to manage your project "
        "spend cap."
    )
    return error_answer(429, "RESOURCE_EXHAUSTED", message)
