"""How the pool uses its keys and looks after them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.settings.about import About, Group, SettingsModel
from gateway.settings.checks import model_name
from gateway.settings.declared.text import Text


class PoolSettings(SettingsModel):
    """Order of use, waiting, probing."""

    key_order: Annotated[
        Literal["round_robin", "least_busy", "priority"],
        About(
            "Whose turn it is: every key in turn, the key with the fewest calls under way, or groups of keys "
            "by tag (KEY_PRIORITY_TAGS).",
            Group.POOL,
        ),
    ] = "round_robin"
    key_priority_tags: Annotated[
        tuple[Text, ...],
        About(
            "Tags of keys in their order of use with KEY_ORDER=priority; keys with none of them come last.",
            Group.POOL,
            example='["free","paid"]',
        ),
    ] = ()
    pool_wait_seconds: Annotated[
        float,
        Field(ge=0, le=600),
        About(
            "How long a call may wait for a key when all of them rest; 0 answers 429 at once.",
            Group.POOL,
            unit="seconds",
        ),
    ] = 10.0
    check_interval_hours: Annotated[
        float,
        Field(ge=0, le=720),
        About(
            "How often keys that are dead or in doubt are asked, at no cost, whether they work; 0 for never.",
            Group.POOL,
            unit="hours",
        ),
    ] = 1.0
    test_model: Annotated[
        Text,
        AfterValidator(model_name),
        About("Model that the admin's check with a real, small generation asks.", Group.POOL),
    ] = "gemini-3.5-flash-lite"
    metrics_max_keys: Annotated[
        int,
        Field(ge=0, le=100_000),
        About("Keys that have series of their own in /metrics; 0 for none.", Group.POOL, unit="keys"),
    ] = 200
