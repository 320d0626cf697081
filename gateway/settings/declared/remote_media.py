"""Media that requests only point at."""

from typing import Annotated

from pydantic import Field

from gateway.settings.about import About, Group, SettingsModel


class RemoteMediaSettings(SettingsModel):
    """What may be fetched on a client's behalf."""

    remote_media_max_mb: Annotated[
        int,
        Field(ge=0, le=512),
        About(
            "Most that is fetched of the pictures and files that one OpenAI request names by http address; "
            "0 fetches nothing.",
            Group.IMAGES,
            unit="MB",
        ),
    ] = 20
    remote_media_timeout_seconds: Annotated[
        float,
        Field(ge=1, le=600),
        About("Longest wait for them, redirects included.", Group.IMAGES, unit="seconds"),
    ] = 20.0
    remote_media_allow_private: Annotated[
        bool,
        About(
            "Fetch from private and reserved addresses too; for home networks, where every client is trusted "
            "with what the gateway's machine can reach.",
            Group.IMAGES,
        ),
    ] = False
