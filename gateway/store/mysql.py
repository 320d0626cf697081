"""MySQL and MariaDB as peewee knows them. The door to PyMySQL; engine.py imports it for these alone."""

import ssl
from typing import Any

import pymysql
from pymysql.connections import Connection

from gateway.store.orm import peewee


class _Connection(Connection):
    """PyMySQL's, which offers TLS to a server that has it and checks no certificate.

    For that it would read all that the system trusts, for every connection anew: 30 to 50 ms of CPU, within
    the second in which a call has to be written.
    """

    def __init__(self, tls: ssl.SSLContext, **parameters: Any) -> None:
        self._tls = tls
        super().__init__(**parameters)

    def _create_ssl_ctx(self, sslp: object) -> ssl.SSLContext:  # noqa: ARG002 - engine.py asks for nothing
        return self._tls


class MySQL(peewee.MySQLDatabase):
    """MySQL or MariaDB; a change sees what others have committed, statement by statement."""

    def __init__(self, database: str, lock_s: float, **connection: Any) -> None:
        self._lock_s = max(1, round(lock_s))
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE
        super().__init__(database, **connection)

    def get_binary_type(self) -> Any:
        return pymysql.Binary

    def _connect(self) -> Any:
        # Instead of peewee's, which knows of no driver: see orm.py.
        connection = _Connection(self._tls, database=self.database, autocommit=True, **self.connect_params)
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
