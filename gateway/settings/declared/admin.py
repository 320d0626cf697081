"""The admin page itself."""

from typing import Annotated

from pydantic import Field

from gateway.settings.about import About, Group, SettingsModel


class AdminSettings(SettingsModel):
    """How long one stays signed in."""

    admin_session_expire: Annotated[
        int,
        Field(ge=300, le=86_400),
        About(
            "How long one stays signed in to the admin page without opening or changing anything there.",
            Group.ADMIN,
            unit="seconds",
        ),
    ] = 3600
