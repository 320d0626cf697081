"""What a client is told when every key rests: which model, why, and when it can come back."""

import math
from datetime import UTC, datetime

from gateway.pool.lease import AllResting
from gateway.protocols.error_bodies import Problem


def resting_problem(why: AllResting, now_s: float) -> Problem:
    """A 429 with a true Retry-After; the reset time is given in UTC."""
    wait_s = max(why.until_s - now_s, 1.0)
    back = datetime.fromtimestamp(math.ceil(why.until_s), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    count = sum(why.reasons.values())
    reasons = ", ".join(sorted(f"{number} {kind.value}" for kind, number in why.reasons.items()))
    keys = "The only key that can serve" if count == 1 else f"All {count} keys that can serve"
    verb = "is" if count == 1 else "are"
    message = (
        f"{keys} model {why.model} {verb} resting ({reasons}). "
        f"The first is back at {back}, in {math.ceil(wait_s)} s."
    )
    return Problem(429, message, "all_resting", retry_after_s=wait_s)
