"""Logs, time and metrics."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

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
    auto_delete_error_logs_enabled: Annotated[
        bool, About("Delete what was kept of failed calls (errors and bodies) after some days.", Group.LOGS)
    ] = True
    auto_delete_error_logs_days: Annotated[
        int,
        Field(ge=1, le=3650),
        About("Days that errors and bodies of failed calls are kept.", Group.LOGS, unit="days"),
    ] = 7
    auto_delete_request_logs_enabled: Annotated[
        bool,
        About("Delete calls from the log after some days; their sums stay in the charts.", Group.LOGS),
    ] = True
    auto_delete_request_logs_days: Annotated[
        int, Field(ge=1, le=3650), About("Days that calls are kept in the log.", Group.LOGS, unit="days")
    ] = 30
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
