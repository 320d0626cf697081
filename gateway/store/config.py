"""Where the database is. A value; built by __main__ from the settings."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """One of the two databases the gateway can live on.

    path       of the SQLite file
    socket     of a local MySQL server; wins over host and port
    answer_s   how long a MySQL server may be silent before its connection is given up
    lock_s     how long a lock that another holds is waited for
    """

    kind: Literal["sqlite", "mysql"]
    path: Path | None = None
    host: str = ""
    port: int = 3306
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    socket: str = ""
    answer_s: float = 30.0
    lock_s: float = 5.0

    @property
    def where(self) -> str:
        """The MySQL server in words."""
        return self.socket or f"{self.host}:{self.port}"

    @property
    def place(self) -> str:
        """The database in words, without secrets."""
        if self.kind == "sqlite":
            return f"the SQLite file {self.path}"
        return f"the MySQL database {self.database} at {self.where}"
