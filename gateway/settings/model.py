"""Every setting, declared once: `BootSettings`, `LiveSettings`, and the two lists that become rows.

A setting's name is its attribute's in capitals (`max_retries` is MAX_RETRIES). To add one, add one attribute
here and regenerate the documents (describe.py); nothing else lists them. What texts mean is loose.py's.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from gateway.settings.about import About, Group, SettingsModel
from gateway.settings.checks import (
    check_fernet_key,
    check_headers,
    check_no_control,
    check_time_zone,
    fold_database_type,
    fold_log_level,
    plain_file_name,
    proxy_url,
    upstream_url,
)

Text = Annotated[str, AfterValidator(check_no_control)]


class BootSettings(SettingsModel):
    """What a process needs before it has a database: never stored, fixed until a restart."""

    host: Annotated[Text, About("Address the gateway listens on.", Group.SERVER)] = "0.0.0.0"  # noqa: S104 - a container is reached from outside
    port: Annotated[
        int, Field(ge=0, le=65535), About("Port the gateway listens on; 0 takes a free one.", Group.SERVER)
    ] = 8000
    workers: Annotated[
        int,
        Field(ge=1, le=64),
        About(
            "Processes that share the port; one serves a small server well.", Group.SERVER, unit="processes"
        ),
    ] = 1
    max_body_mb: Annotated[
        int,
        Field(ge=1, le=2048),
        About(
            "Largest request body taken from a client; a larger one is answered 413.", Group.SERVER, unit="MB"
        ),
    ] = 100
    shutdown_timeout_seconds: Annotated[
        float,
        Field(ge=0, le=3600),
        About(
            "How long running answers may go on after a stop signal; give docker's stop_grace_period some "
            "seconds more.",
            Group.SERVER,
            unit="seconds",
        ),
    ] = 25.0
    http_front: Annotated[
        Literal["llhttp", "tornado"],
        About("The HTTP server: llhttp is ours, tornado is the slower fall-back.", Group.SERVER),
    ] = "llhttp"
    log_format: Annotated[
        Literal["auto", "console", "json"],
        About("How log lines are written; auto is console on a terminal and json elsewhere.", Group.LOGS),
    ] = "auto"

    data_dir: Annotated[
        Path, About("Folder for the SQLite database; mount it to keep it.", Group.DATABASE)
    ] = Path("data")
    database_type: Annotated[
        Literal["sqlite", "mysql"],
        BeforeValidator(fold_database_type),
        About("Kind of database; mysql is MySQL or MariaDB.", Group.DATABASE),
    ] = "sqlite"
    sqlite_database: Annotated[
        Text,
        AfterValidator(plain_file_name),
        About("Name of the SQLite file inside DATA_DIR.", Group.DATABASE),
    ] = "default_db"
    mysql_host: Annotated[
        Text, About("Host of the MySQL server.", Group.DATABASE, default_text="needed for mysql")
    ] = ""
    mysql_port: Annotated[int, Field(ge=1, le=65535), About("Port of the MySQL server.", Group.DATABASE)] = (
        3306
    )
    mysql_user: Annotated[Text, About("MySQL user.", Group.DATABASE, default_text="needed for mysql")] = ""
    mysql_password: Annotated[
        Text, About("Password of the MySQL user.", Group.DATABASE, secret=True, verbatim=True)
    ] = ""
    mysql_database: Annotated[
        Text,
        About("MySQL database; it must exist.", Group.DATABASE, default_text="needed for mysql"),
    ] = ""
    mysql_socket: Annotated[
        Text, About("Path of a MySQL socket; used instead of MYSQL_HOST when set.", Group.DATABASE)
    ] = ""
    encryption_key: Annotated[
        tuple[Annotated[Text, AfterValidator(check_fernet_key)], ...],
        About(
            "Fernet keys that encrypt secrets in the database: the first encrypts, the others still decrypt; "
            "lose them and the stored keys are lost.",
            Group.DATABASE,
            secret=True,
            default_text="off",
        ),
    ] = ()


class LiveSettings(SettingsModel):
    """The snapshot calls are served with. Stored, editable in the admin page, the last change wins."""

    auth_token: Annotated[
        Text,
        About(
            "The administrator's token: password of the admin page, and good for every call.",
            Group.ACCESS,
            secret=True,
            default_text="first of ALLOWED_TOKENS, else generated",
        ),
    ] = ""
    base_url: Annotated[
        Text,
        AfterValidator(upstream_url),
        About("The Gemini API with its version.", Group.UPSTREAM),
    ] = "https://generativelanguage.googleapis.com/v1beta"
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
    show_thinking_process: Annotated[
        bool, About("Ask for the model's thoughts and pass them on as reasoning_content.", Group.ANSWERS)
    ] = True
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


class RowLists(SettingsModel):
    """The two lists that fill tables instead of being values. None: not set; (): set and empty."""

    api_keys: Annotated[
        tuple[Text, ...] | None,
        About(
            "Gemini API keys; merged into the keys of the admin page.",
            Group.ACCESS,
            secret=True,
            example='["AIzaSy...1","AIzaSy...2"]',
        ),
    ] = None
    allowed_tokens: Annotated[
        tuple[Text, ...] | None,
        About(
            "Tokens clients may use; merged into the tokens of the admin page.",
            Group.ACCESS,
            secret=True,
            example='["sk-alice","sk-bob"]',
        ),
    ] = None
