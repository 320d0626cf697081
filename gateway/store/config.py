"""Where the database is. A value; built by __main__ from the settings."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """One of the two databases the gateway can live on.

    path    of the SQLite file
    socket  of a local MySQL server; wins over host and port
    """

    kind: Literal["sqlite", "mysql"]
    path: Path | None = None
    host: str = ""
    port: int = 3306
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    socket: str = ""

    @property
    def place(self) -> str:
        """The database in words, without secrets."""
        if self.kind == "sqlite":
            return f"the SQLite file {self.path}"
        where = self.socket or f"{self.host}:{self.port}"
        return f"the MySQL database {self.database} at {where}"
