"""What a process needs before it has a database."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from gateway.settings.about import About, Group, SettingsModel
from gateway.settings.checks import check_fernet_key, fold_database_type, plain_file_name
from gateway.settings.declared.text import Text


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
