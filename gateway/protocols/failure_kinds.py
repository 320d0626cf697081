"""The names of everything that can go wrong with an attempt, and of what may mend it.

Vocabulary only. Used by the judgement of upstream errors, the pool, the retry loop, metrics and the store.
"""

import enum


class FailureKind(enum.StrEnum):
    """Every way an attempt can fail; the value is what logs, metrics and the store show."""

    CLIENT_ERROR = "client_error"
    NOT_FOUND = "not_found"  # no such model or object, for every key
    OBJECT_DENIED = "object_denied"  # a file or cached content of another key, or of nobody
    GATEWAY_FAULT = "gateway_fault"  # we sent no credential, or two, or a method no key may call
    KEY_INVALID = "key_invalid"
    KEY_LEAKED = "key_leaked"
    KEY_BLOCKED = "key_blocked"  # the key's own restrictions refuse us
    PROJECT_SUSPENDED = "project_suspended"
    PROJECT_DENIED = "project_denied"
    SERVICE_DISABLED = "service_disabled"
    BILLING = "billing"
    RATE_MINUTE = "rate_minute"
    TOKENS_MINUTE = "tokens_minute"
    RATE_DAY = "rate_day"
    NO_ALLOWANCE = "no_allowance"  # this key's project may not use this model
    RATE_UNKNOWN = "rate_unknown"
    LOCATION = "location"  # Google does not serve the country we call from
    OVERLOADED = "overloaded"
    INTERNAL = "internal"
    DEADLINE = "deadline"
    NETWORK = "network"
    TIMEOUT = "timeout"
    EMPTY = "empty"
    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    BLOCKED = "blocked"
    ACCOUNT_LIMITED = "account_limited"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class Repair(enum.StrEnum):
    """A change of the request that may turn a 400 into an answer; worth one more try with any key."""

    SIGNATURE = "signature"  # replace every thought signature by the placeholder
    THINKING_LEVEL = "thinking_level"  # the nearest other level
    THINKING_OFF = "thinking_off"  # the least budget: the model cannot stop thinking
    THINKING_BUDGET = "thinking_budget"  # a level instead of a budget
    THINKING = "thinking"  # leave thinking to the model
    SYSTEM_INSTRUCTION = "system_instruction"  # move it into the first user content
    SCHEMA = "schema"  # fall back to the plain OpenAPI-like schema
    JSON_MODE = "json_mode"  # ask for JSON in words
    JSON_WITH_TOOLS = "json_with_tools"  # the tools alone
    PENALTIES = "penalties"  # without them
    SEED = "seed"  # without it
    PREFILL = "prefill"  # a user's turn after the model's last one
    MEDIA_RESOLUTION = "media_resolution"  # the model's own
    SERVICE_TIER = "service_tier"  # the usual one
    TOOLS = "tools"  # without the operator's, or without those that run at Google beside functions
    SAFETY = "safety"  # without the operator's settings
