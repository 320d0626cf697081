"""Files, caches, batches and what else lives at Google: who may see it, and how long."""

from typing import Annotated

from pydantic import Field

from gateway.settings.about import About, Group, SettingsModel


class FileSettings(SettingsModel):
    """Uploads, isolation, cleaning up."""

    files_user_isolation_enabled: Annotated[
        bool,
        About(
            "Files, caches, batches, kept answers and the like can be seen, used and deleted only with the "
            "token that made them, and with the administrator's.",
            Group.FILES,
        ),
    ] = True
    files_cleanup_enabled: Annotated[
        bool, About("Files whose time is over are forgotten here and deleted at Google.", Group.FILES)
    ] = True
    files_cleanup_interval_hours: Annotated[
        float,
        Field(ge=0.1, le=720),
        About("How often files are cleaned up.", Group.FILES, unit="hours"),
    ] = 1.0
    max_upload_mb: Annotated[
        int,
        Field(ge=1, le=65536),
        About(
            "Largest file a client may upload; Google takes 2 GB. MAX_BODY_MB does not bound it.",
            Group.FILES,
            unit="MB",
        ),
    ] = 2048
