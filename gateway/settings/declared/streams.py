"""How streams reach their clients."""

from typing import Annotated

from pydantic import Field

from gateway.settings.about import About, Group, SettingsModel


class StreamSettings(SettingsModel):
    """Fake streaming, and the stream optimizer."""

    fake_stream_enabled: Annotated[
        bool,
        About(
            "Ask Gemini for whole answers when a client wants a stream, and stream them to it when they are "
            "there: every broken answer can then be tried again, at the price of a later first word.",
            Group.STREAMS,
        ),
    ] = False
    fake_stream_empty_data_interval_seconds: Annotated[
        float,
        Field(ge=0.1, le=60),
        About(
            "How often a client that waits for such an answer is told that its call lives.",
            Group.STREAMS,
            unit="seconds",
        ),
    ] = 5.0
    stream_optimizer_enabled: Annotated[
        bool, About("Let streamed text leave in small pieces at an even pace.", Group.STREAMS)
    ] = False
    stream_min_delay: Annotated[
        float,
        Field(ge=0, le=1),
        About("Pause between the pieces of long texts.", Group.STREAMS, unit="seconds"),
    ] = 0.016
    stream_max_delay: Annotated[
        float,
        Field(ge=0, le=1),
        About("Pause between the pieces of short texts.", Group.STREAMS, unit="seconds"),
    ] = 0.024
    stream_short_text_threshold: Annotated[
        int,
        Field(ge=1, le=100),
        About("Texts up to this length are short.", Group.STREAMS, unit="characters"),
    ] = 10
    stream_long_text_threshold: Annotated[
        int,
        Field(ge=1, le=1000),
        About(
            "Texts of at least this length are long; shorter ones leave character by character.",
            Group.STREAMS,
            unit="characters",
        ),
    ] = 50
    stream_chunk_size: Annotated[
        int,
        Field(ge=1, le=100),
        About("Length of the pieces of long texts.", Group.STREAMS, unit="characters"),
    ] = 5
