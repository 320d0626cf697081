"""Settings → what the call path lives by. Called at start and after each change of settings."""

from collections.abc import Callable
from dataclasses import replace

from gateway.pool.key import GEMINI, PAID, VERTEX
from gateway.pool.order import Order, OrderKind
from gateway.protocols.call_defaults import CallDefaults
from gateway.protocols.context import ChatOptions
from gateway.protocols.image_hosts.aliyun_oss import AliyunOss
from gateway.protocols.image_hosts.cloudflare_imgbed import CloudflareImgbed
from gateway.protocols.image_hosts.picgo import URL as PICGO_URL
from gateway.protocols.image_hosts.picgo import Picgo
from gateway.protocols.image_hosts.smms import Smms
from gateway.protocols.image_hosts.uploads import ImageHost
from gateway.protocols.model_suffixes import ModelChoices
from gateway.protocols.native_call import NativeOptions
from gateway.protocols.signatures import SignatureMemory
from gateway.relay.engine import CallPolicy
from gateway.relay.plan import Host
from gateway.relay.shaping import Shape
from gateway.settings.model import LiveSettings
from gateway.streaming.pacing import Pace
from gateway.upstream.providers import read_provider


def call_policy(settings: LiveSettings) -> CallPolicy:
    """The policy of calls that begin from now on."""
    headers = tuple(settings.custom_headers.items())
    google = read_provider(settings.base_url, headers)
    vertex = read_provider(settings.vertex_express_base_url, headers)
    return CallPolicy(
        providers={GEMINI: google, PAID: google, VERTEX: vertex},
        max_retries=settings.max_retries,
        deadline_s=settings.time_out,
        connect_s=settings.connect_timeout_seconds,
        idle_s=settings.idle_timeout_seconds,
        wait_s=settings.pool_wait_seconds,
        keep_bodies=settings.error_log_record_request_body,
    )


def file_cleanup_s(settings: LiveSettings) -> float:
    """How often old files are deleted; 0 for never."""
    return settings.files_cleanup_interval_hours * 3600 if settings.files_cleanup_enabled else 0.0


def chat_options(
    settings: LiveSettings, new_id: Callable[[], str], signatures: SignatureMemory
) -> ChatOptions:
    """How chat completions are translated from now on."""
    return ChatOptions(
        show_thoughts=settings.show_thinking_process,
        new_id=new_id,
        models=model_choices(settings),
        defaults=call_defaults(settings),
        list_sources=settings.show_search_link,
        signatures=signatures,
    )


def native_options(settings: LiveSettings) -> NativeOptions:
    """What native calls get from now on.

    The usual safety settings are what Google's own clients get anyway. A body is touched for them only
    when the operator has said something.
    """
    said = "safety_settings" in settings.model_fields_set
    defaults = call_defaults(settings)
    return NativeOptions(model_choices(settings), defaults if said else replace(defaults, safety=()))


def model_choices(settings: LiveSettings) -> ModelChoices:
    """Which models are offered in which ways."""
    return ModelChoices(
        search=frozenset(settings.search_models),
        any_search="search_models" not in settings.model_fields_set,
        image=frozenset(settings.image_models),
        thinking=frozenset(settings.thinking_models),
        filtered=frozenset(settings.filtered_models),
        painter=settings.create_image_model,
    )


def call_defaults(settings: LiveSettings) -> CallDefaults:
    """What calls get that leave it open."""
    return CallDefaults(
        safety=tuple(dict(row) for row in settings.safety_settings),
        thinking_budgets=settings.thinking_budget_map,
        url_context=frozenset(settings.url_context_models if settings.url_context_enabled else ()),
        code_execution=settings.tools_code_execution_enabled,
    )


def answer_shape(settings: LiveSettings, host: Host | None) -> Shape | None:
    """What is done to answers from now on; None leaves them as they come.

    host   of pictures, None where none is set up
    """
    paced = settings.stream_optimizer_enabled
    if not (settings.fake_stream_enabled or paced or host):
        return None
    pace = Pace(
        min_delay_s=settings.stream_min_delay,
        max_delay_s=settings.stream_max_delay,
        short_text=settings.stream_short_text_threshold,
        long_text=settings.stream_long_text_threshold,
        chunk_size=settings.stream_chunk_size,
    )
    interval_s = settings.fake_stream_empty_data_interval_seconds
    return Shape(
        beat_every_s=interval_s if settings.fake_stream_enabled else 0.0,
        pace=pace if paced else None,
        host=host,
    )


def image_host(settings: LiveSettings) -> ImageHost | None:
    """Where generated pictures go from now on; None while the chosen place is not set up."""
    match settings.upload_provider:
        case "smms":
            return Smms(settings.smms_secret_token) if settings.smms_secret_token else None
        case "picgo":
            key, url = settings.picgo_api_key, settings.picgo_api_url
            return Picgo(key, url) if key or url != PICGO_URL else None  # people's own sites may need none
        case "cloudflare_imgbed":
            url, code = settings.cloudflare_imgbed_url, settings.cloudflare_imgbed_auth_code
            return CloudflareImgbed(url, code, settings.cloudflare_imgbed_upload_folder) if url else None
    oss = AliyunOss(
        endpoint=settings.oss_endpoint,
        bucket=settings.oss_bucket_name,
        access_key=settings.oss_access_key,
        secret=settings.oss_access_key_secret,
        region=settings.oss_region,
        inner=settings.oss_endpoint_inner,
    )
    return oss if oss.endpoint and oss.bucket and oss.access_key and oss.secret else None


def key_order(settings: LiveSettings) -> Order:
    """The order in which keys are used from now on."""
    return Order(OrderKind(settings.key_order), settings.key_priority_tags)
