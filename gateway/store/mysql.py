"""MySQL and MariaDB as peewee knows them. The door to PyMySQL; engine.py imports it for these alone."""

from typing import Any

import pymysql

from gateway.store.orm import peewee


class MySQL(peewee.MySQLDatabase):
    """MySQL or MariaDB; a change sees what others have committed, statement by statement."""

    def __init__(self, database: str, lock_s: float, **connection: Any) -> None:
        self._lock_s = max(1, round(lock_s))
        super().__init__(database, **connection)

    def get_binary_type(self) -> Any:
        return pymysql.Binary

    def _connect(self) -> Any:
        # Instead of peewee's, which knows of no driver: see orm.py.
        connection: Any = pymysql.connect(database=self.database, autocommit=True, **self.connect_params)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
                # Their defaults are a minute and a day: longer than we wait for an answer.
                cursor.execute(
                    "SET SESSION innodb_lock_wait_timeout = %s, lock_wait_timeout = %s",
                    (self._lock_s, self._lock_s),
                )
        except BaseException:
            connection.close()
            raise
        return connection
