"""How the paths of requests are read."""

from typing import Annotated

from gateway.settings.about import About, Group, SettingsModel


class PathSettings(SettingsModel):
    """Beyond what clients are known to send."""

    url_normalization_enabled: Annotated[
        bool,
        About(
            "Understand mistyped paths as well: an unknown prefix (/api/v1/...), a missing version, a whole "
            "endpoint pasted as the base URL.",
            Group.SERVER,
        ),
    ] = False
