"""Where the database is and how to say so to a person.

Built from the settings by `__main__`; the only names of settings it mentions are in messages (failures.py).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gateway.errors import StartupError


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """One database.

    kind      sqlite needs `path`; mysql (MySQL 8 or MariaDB) needs `database`, `user` and `host` or `socket`
    socket    path of a Unix socket; wins over host and port
    """

    kind: Literal["sqlite", "mysql"]
    path: Path | None = None
    host: str = ""
    port: int = 3306
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    socket: str | None = None

    def __post_init__(self) -> None:
        if self.kind == "sqlite" and self.path is None:
            raise StartupError("DATABASE_TYPE=sqlite needs the path of a file")
        if self.kind == "mysql":
            wanted = {
                "MYSQL_HOST": self.host or self.socket,
                "MYSQL_USER": self.user,
                "MYSQL_DATABASE": self.database,
            }
            missing = [name for name, value in wanted.items() if not value]
            if missing:
                raise StartupError(f"DATABASE_TYPE=mysql needs {', '.join(missing)}")

    @property
    def sqlite_path(self) -> Path:
        """The file of an SQLite database."""
        if self.path is None:
            raise StartupError("DATABASE_TYPE=sqlite needs the path of a file")
        return self.path

    @property
    def place(self) -> str:
        """The database in words without secrets: `the database at db:3306`, `the database file /data/x`."""
        if self.kind == "sqlite":
            return f"the database file {self.path}"
        return f"the database at {self.socket or f'{self.host}:{self.port}'}"
