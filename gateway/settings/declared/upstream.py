"""How Gemini is reached, and how long it may take."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.settings.about import About, Group, SettingsModel
from gateway.settings.checks import check_headers, proxy_url, upstream_url
from gateway.settings.declared.text import Text


class UpstreamSettings(SettingsModel):
    """Address, tries, time limits, proxies and headers."""

    base_url: Annotated[
        Text,
        AfterValidator(upstream_url),
        About("The Gemini API with its version.", Group.UPSTREAM),
    ] = "https://generativelanguage.googleapis.com/v1beta"
    vertex_express_base_url: Annotated[
        Text,
        AfterValidator(upstream_url),
        About("Vertex AI in express mode: its address up to the publisher.", Group.UPSTREAM),
    ] = "https://aiplatform.googleapis.com/v1beta1/publishers/google"
    max_retries: Annotated[
        int,
        Field(ge=0, le=100),
        About("Further keys tried after the first one fails; 0 tries one key.", Group.UPSTREAM, unit="keys"),
    ] = 3
    max_failures: Annotated[
        int,
        Field(ge=1, le=1000),
        About("Failures of unknown kind in a row after which a key rests.", Group.UPSTREAM, unit="failures"),
    ] = 3
    time_out: Annotated[
        float,
        Field(ge=1, le=86400),
        About("Longest a call may take, all its tries together.", Group.UPSTREAM, unit="seconds"),
    ] = 300.0
    connect_timeout_seconds: Annotated[
        float,
        Field(ge=0.1, le=300),
        About("Longest wait for a connection to Gemini or to a proxy.", Group.UPSTREAM, unit="seconds"),
    ] = 10.0
    idle_timeout_seconds: Annotated[
        float,
        Field(ge=1, le=3600),
        About("Longest silence inside an answer from Gemini.", Group.UPSTREAM, unit="seconds"),
    ] = 120.0
    proxies: Annotated[
        tuple[Annotated[Text, AfterValidator(proxy_url)], ...],
        About(
            "Proxies for calls to Gemini: http, https, socks5 or socks5h URLs, with user name if needed.",
            Group.UPSTREAM,
            secret=True,
            example='["http://user:password@host:8080","socks5://host:1080"]',
        ),
    ] = ()
    proxies_use_consistency_hash_by_api_key: Annotated[
        bool, About("A key always goes through the same proxy.", Group.UPSTREAM)
    ] = True
    custom_headers: Annotated[
        Mapping[str, Text],
        AfterValidator(check_headers),
        About(
            "Headers added to every call to Gemini.",
            Group.UPSTREAM,
            secret=True,
            example='{"X-Team":"research"}',
        ),
    ] = Field(default_factory=dict)
