"""Error bodies as Gemini is publicly reported to send them, keys and project numbers invented."""

import json
from typing import Any

KEY = "AIzaSyD3adB33f-0123456789abcdefghijklmn"
LEARN_MORE = (
    "You exceeded your current quota, please check your plan and billing "
    "details. For more information on this "
    "error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. To "
    "monitor your current usage, head to: "
    "https://ai.dev/rate-limit. \n"
)
REQUESTS = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
TOKENS = "generativelanguage.googleapis.com/generate_content_free_tier_input_token_count"
PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
TOKENS_PER_MINUTE = "GenerateContentInputTokensPerModelPerMinute-FreeTier"


def envelope(code: int, status: str, message: str, *details: dict[str, Any]) -> bytes:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = list(details)
    return json.dumps({"error": error}, indent=2).encode()


def reason(name: str, **metadata: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": name,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"} | metadata,
    }


def violation(
    quota_id: str, metric: str, value: str | None, model: str = "gemini-2.5-flash"
) -> dict[str, Any]:
    item: dict[str, Any] = {
        "quotaMetric": metric,
        "quotaId": quota_id,
        "quotaDimensions": {"location": "global", "model": model},
    }
    return item if value is None else item | {"quotaValue": value}


def exhausted(*violations: dict[str, Any], delay: str | None = "45s", limits: str = "20") -> bytes:
    lines = "\n".join(
        f"* Quota exceeded for metric: {v['quotaMetric']}, limit: "
        f"{v.get('quotaValue', limits)}, model: gemini-2.5-flash"
        for v in violations
    )
    details: list[dict[str, Any]] = [
        {
            "@type": "type.googleapis.com/google.rpc.Help",
            "links": [
                {"description": "Learn more", "url": "https://ai.google.dev/gemini-api/docs/rate-limits"}
            ],
        },
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": list(violations)},
    ]
    if delay is not None:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    again = f"\nPlease retry in {delay}." if delay is not None else ""
    return envelope(429, "RESOURCE_EXHAUSTED", LEARN_MORE + lines + again, *details)


KEY_INVALID = envelope(
    400,
    "INVALID_ARGUMENT",
    "API key not valid. Please pass a valid API key.",
    reason("API_KEY_INVALID"),
    {
        "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
        "locale": "en-US",
        "message": "API key not valid. Please pass a valid API key.",
    },
)
KEY_EXPIRED = envelope(
    400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", reason("API_KEY_INVALID")
)
OLD_KEY_REFUSED = envelope(
    401,
    "UNAUTHENTICATED",
    "Request had invalid authentication credentials. Expected OAuth 2 "
    "access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    reason("ACCESS_TOKEN_TYPE_UNSUPPORTED", method="google.ai.generativelanguage.v1beta.GenerateContent"),
)
LEAKED = envelope(
    403, "PERMISSION_DENIED", "Your API key was reported as leaked. Please use another API key."
)
SERVICE_BLOCKED = envelope(
    403,
    "PERMISSION_DENIED",
    "Requests to this API generativelanguage.googleapis.com method "
    "google.ai.generativelanguage.v1beta.GenerativeService.GenerateContent are blocked.",
    reason("API_KEY_SERVICE_BLOCKED", consumer="projects/4711"),
)
REFERRER_BLOCKED = envelope(
    403,
    "PERMISSION_DENIED",
    "Requests from referer <empty> are blocked.",
    reason("API_KEY_HTTP_REFERRER_BLOCKED", consumer="projects/4711"),
)
SUSPENDED = envelope(
    403,
    "PERMISSION_DENIED",
    f"Permission denied: Consumer 'api_key:{KEY}' has been suspended.",
    reason("CONSUMER_SUSPENDED", consumer="projects/4711", containerInfo=f"api_key:{KEY}"),
)
DENIED = envelope(403, "PERMISSION_DENIED", "Your project has been denied access. Please contact support.")
ACTIVATION_URL = (
    "https://console.developers.google.com/apis/api/generativelanguage.googleapis.com/overview?project=4711"
)
SERVICE_DISABLED = envelope(
    403,
    "PERMISSION_DENIED",
    "Generative Language API has not been used in project 4711 before or "
    "it is disabled. Enable it by visiting "
    f"{ACTIVATION_URL} then retry. If you enabled this API recently, wait a "
    "few minutes for the action to propagate "
    "to our systems and retry.",
    reason(
        "SERVICE_DISABLED",
        consumer="projects/4711",
        serviceTitle="Generative Language API",
        containerInfo="4711",
        activationUrl=ACTIVATION_URL,
    ),
    {
        "@type": "type.googleapis.com/google.rpc.Help",
        "links": [{"description": "Google developers console API activation", "url": ACTIVATION_URL}],
    },
)
CREDITS_DEPLETED = envelope(
    429,
    "RESOURCE_EXHAUSTED",
    "Your prepayment credits are depleted. Please go to AI Studio at "
    "https://ai.studio/projects to manage your "
    "project and billing.",
)
SPEND_CAP = envelope(429, "RESOURCE_EXHAUSTED", "Your project has exceeded its monthly spending cap.")
MINUTE = exhausted(violation(PER_MINUTE, REQUESTS, "10"), delay="21.578569677s")
TOKENS_MINUTE = exhausted(violation(TOKENS_PER_MINUTE, TOKENS, "250000"), delay="12s")
DAY = exhausted(violation(PER_DAY, REQUESTS, "20"), delay="45s")
DAY_AND_MINUTE = exhausted(
    violation(PER_MINUTE, REQUESTS, "10"), violation(PER_DAY, REQUESTS, "250"), delay="7s"
)
LIMIT_ZERO = exhausted(
    violation(PER_DAY, REQUESTS, None), violation(PER_MINUTE, REQUESTS, None), delay="36s", limits="0"
)
RETIRED_MODEL = envelope(
    404,
    "NOT_FOUND",
    "This model models/gemini-2.5-pro is no longer available to new users. "
    "Please update your code to use a newer "
    "model for the latest features and improvements.",
)
UNEXPLAINED = envelope(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).")
LOCATION = envelope(400, "FAILED_PRECONDITION", "User location is not supported for the API use.")
OVERLOADED = envelope(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
INTERNAL = envelope(
    500,
    "INTERNAL",
    "An internal error has occurred. Please retry or report in "
    "https://developers.generativeai.google/guide/troubleshooting",
)
DEADLINE = envelope(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete.")
CANCELLED = envelope(499, "CANCELLED", "The operation was cancelled.")
BAD_FIELD = envelope(
    400,
    "INVALID_ARGUMENT",
    'Invalid JSON payload received. Unknown name "contentz": Cannot find field.',
    {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"description": 'Invalid JSON payload received. Unknown name "contentz"'}],
    },
)
NO_SUCH_MODEL = envelope(
    404,
    "NOT_FOUND",
    "models/gemini-9 is not found for API version v1beta, or is not "
    "supported for generateContent. Call ListModels "
    "to see the list of available models and their supported methods.",
)
TOO_LARGE = b"<html><head><title>413 Request Entity Too Large</title></head><body>...</body></html>"
FILE_DENIED = envelope(
    403, "PERMISSION_DENIED", "You do not have permission to access the File abc123 or it may not exist."
)
CACHE_DENIED = envelope(403, "PERMISSION_DENIED", "CachedContent not found (or permission denied)")
TWO_CREDENTIALS = envelope(
    400, "INVALID_ARGUMENT", "Multiple authentication credentials received. Please pass only one."
)
NO_CREDENTIAL = envelope(
    403,
    "PERMISSION_DENIED",
    "Method doesn't allow unregistered callers (callers without "
    "established identity). Please use API Key or other "
    "form of API consumer identity to call this API.",
)
SIGNATURE = envelope(
    400,
    "INVALID_ARGUMENT",
    "Function call is missing a thought_signature in functionCall parts. "
    "This is required for tools to work correctly.",
)
PAID_MODEL = envelope(400, "INVALID_ARGUMENT", "Imagen API is only accessible to billed users at this time.")
STRANGE_REFUSAL = envelope(403, "PERMISSION_DENIED", "The caller does not have permission")
