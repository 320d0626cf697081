"""Logs, time and metrics."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator

from gateway.settings.about import About, Group, SettingsModel
from gateway.settings.checks import check_time_zone, fold_log_level
from gateway.settings.declared.text import Text


class LogSettings(SettingsModel):
    """What is told of the gateway's work, and to whom."""

    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        BeforeValidator(fold_log_level),
        About("Least important log lines that are written.", Group.LOGS),
    ] = "INFO"
    error_log_record_request_body: Annotated[
        bool, About("Keep the request bodies of failed calls; they hold what users wrote.", Group.LOGS)
    ] = False
    timezone: Annotated[
        Text,
        AfterValidator(check_time_zone),
        About(
            "Time zone of the admin page and of daily jobs, an IANA name; TZ is read as well.",
            Group.LOGS,
            aliases=("TZ",),
        ),
    ] = "Asia/Shanghai"
    metrics_token: Annotated[
        Text,
        About(
            "Bearer token for /metrics.",
            Group.LOGS,
            secret=True,
            default_text="AUTH_TOKEN guards it",
        ),
    ] = ""
