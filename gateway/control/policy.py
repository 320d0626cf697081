"""Settings → what the call path lives by. Called at start and after each change of settings."""

from collections.abc import Callable

from gateway.pool.key import GEMINI
from gateway.pool.order import Order, OrderKind
from gateway.protocols.context import ChatOptions
from gateway.relay.engine import CallPolicy
from gateway.settings.model import LiveSettings
from gateway.upstream.providers import read_provider


def call_policy(settings: LiveSettings) -> CallPolicy:
    """The policy of calls that begin from now on."""
    return CallPolicy(
        providers={GEMINI: read_provider(settings.base_url, tuple(settings.custom_headers.items()))},
        max_retries=settings.max_retries,
        deadline_s=settings.time_out,
        connect_s=settings.connect_timeout_seconds,
        idle_s=settings.idle_timeout_seconds,
        wait_s=settings.pool_wait_seconds,
        keep_bodies=settings.error_log_record_request_body,
    )


def chat_options(settings: LiveSettings, new_id: Callable[[], str]) -> ChatOptions:
    """How chat completions are translated from now on."""
    return ChatOptions(show_thoughts=settings.show_thinking_process, new_id=new_id)


def key_order(settings: LiveSettings) -> Order:
    """The order in which keys are used from now on."""
    return Order(OrderKind(settings.key_order), settings.key_priority_tags)
