"""The few forms of PromQL that the panels are made of.

Counters of several gateways are added up; what each of them reads off the one shared pool is taken once
(`worst`, `least`), because replicas on one database know the same keys.
"""

RATE = "$__rate_interval"
RANGE = "$__range"


def rate(metric: str, where: str = "", *, by: str = "", over: str = RATE) -> str:
    """Per second, added up."""
    return f"sum{_by(by)} (rate({metric}{{{where}}}[{over}]))"


def increase(metric: str, where: str = "", *, by: str = "", over: str = RANGE) -> str:
    """How many in the time shown, added up."""
    return f"sum{_by(by)} (increase({metric}{{{where}}}[{over}]))"


def quantile(share: float, histogram: str, where: str = "", *, by: str = "", over: str = RATE) -> str:
    """The value below which this share of the observations lies."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share:g}, {rate(f'{histogram}_bucket', where, by=labels, over=over)})"


def mean(histogram: str, where: str = "", *, by: str = "", over: str = RATE) -> str:
    """The mean of the observations."""
    total = rate(f"{histogram}_sum", where, by=by, over=over)
    return f"{total} / ({rate(f'{histogram}_count', where, by=by, over=over)} > 0)"


def share(part: str, whole: str) -> str:
    """A part of a whole: 0 where the part never happened, nothing where there is no whole."""
    return f"({part} or {whole} * 0) / ({whole} > 0)"


def worst(gauge: str, where: str = "", *, by: str = "") -> str:
    """The highest of what the replicas say."""
    return f"max{_by(by)} ({gauge}{{{where}}})"


def least(gauge: str, where: str = "", *, by: str = "") -> str:
    """The lowest of what the replicas say."""
    return f"min{_by(by)} ({gauge}{{{where}}})"


def total(gauge: str, where: str = "", *, by: str = "") -> str:
    """A gauge of which every replica has its own part, added up."""
    return f"sum{_by(by)} ({gauge}{{{where}}})"


def over_providers(expression: str) -> str:
    """What each provider has, added up."""
    return f"sum ({expression})"


def longest(expression: str) -> str:
    """The longest of several waits."""
    return f"max ({expression})"


def or_zero(expression: str) -> str:
    """0 where the expression finds nothing: for counts of what may never have happened."""
    return f"{expression} or vector(0)"


def _by(labels: str) -> str:
    return f" by ({labels})" if labels else ""
