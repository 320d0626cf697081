"""What a driver's error means: the connection, the database, a lock, the tables, or only this statement.

Pure. PyMySQL raises OperationalError for almost everything, so the codes decide and not the classes.
"""

import sqlite3
import sys
from enum import Enum

from gateway.store.orm import peewee


class Fault(Enum):
    """What is wrong.

    LOST      the connection broke; another one may work at once
    AWAY      the database cannot be reached or serves nobody now: wait
    LOCKED    somebody else holds what is needed; nothing was changed
    UNFIT     the tables are not those that this version knows: no value's fault, and no waiting helps
    REFUSED   only this statement or its values
    """

    LOST = "lost"
    AWAY = "away"
    LOCKED = "locked"
    UNFIT = "unfit"
    REFUSED = "refused"


class CommitUncertain(Exception):
    """The connection broke while a commit was under way: it is not known whether it holds."""


# MySQL 8 and MariaDB 11 reference, "Server error message reference" and "Client error message reference".
# From 1900 on each has numbers of its own: what the other one means by them, it does not answer to us.
_MYSQL_LOST = frozenset(
    {
        0,
        2006,
        2013,
        2014,
        2027,
        2055,
    }  # closed here, gone, lost, out of step, malformed packet, lost with errno
    | {1053, 1077, 1078, 1079}  # server is shutting down
    | {1152, 1153, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184}  # aborted, packet errors
    | {1927, 3169, 4031}  # killed (MariaDB, MySQL), sent away for idling (MySQL)
)
_MYSQL_AWAY = frozenset(
    {2001, 2002, 2003, 2004, 2005}  # no socket, no server, unknown host
    | {1042, 1043, 1251, 2012, 2026, 2059, 3159}  # no handshake: name, protocol, ways of signing in, TLS
    | {1040, 1129, 1130, 1203, 1226, 1698, 1044, 1045, 1049}  # not let in
    | {1820, 1862, 3118, 4151}  # password expired, account locked (MySQL, MariaDB)
    | {1046, 1142, 1143, 1146}  # tables or rights are missing, and may come back: no record's fault
    | {1033, 1034, 1194, 1195, 1877, 1932}  # tables are broken
    | {1021, 1026, 1030, 1037, 1041, 1114, 1135, 1180, 1637, 1878, 3019}  # no room, no memory, no threads
    | {1290, 1836, 1874, 3032, 3100, 3168}  # read only, offline, replication refuses
    | {1047}  # a Galera node that is not ready
)
_MYSQL_LOCKED = frozenset({1020, 1205, 1213, 1317, 1614, 1969, 3024, 3101, 3572})
# No such column, another number of them, no such index, a column that must be given.
_MYSQL_UNFIT = frozenset({1054, 1136, 1176, 1364})
_SQLITE_LOCKED = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_INTERRUPT}
)
_SQLITE_AWAY = frozenset(
    {
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOLFS,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)


def driver_errors() -> tuple[type[Exception], ...]:
    """Everything a database may raise, through peewee or past it, for an `except`."""
    return (peewee.PeeweeException, sqlite3.Error, *_mysql_errors())


def _mysql_errors() -> tuple[type[Exception], ...]:
    """PyMySQL's; while it is not loaded (mysql.py), there are none."""
    driver = sys.modules.get("pymysql")
    return () if driver is None else (driver.MySQLError,)


def driver_error(error: BaseException) -> BaseException:
    """The driver's own error inside peewee's, or the error itself."""
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error


def code_of(error: BaseException) -> int | None:
    """MySQL's number, SQLite's primary result code, or None for an error without one."""
    root = driver_error(error)
    if isinstance(root, _mysql_errors()):
        return root.args[0] if root.args and isinstance(root.args[0], int) else None
    if isinstance(root, sqlite3.Error):
        code = getattr(root, "sqlite_errorcode", None)
        return None if code is None else int(code) & 0xFF
    return None


def fault_of(error: BaseException) -> Fault:
    """Say what an error means for the connection, the batch and everybody who waits."""
    root, code = driver_error(error), code_of(error)
    if isinstance(root, _mysql_errors()):
        return _mysql_fault(root, code)
    if isinstance(root, sqlite3.Error):
        return _sqlite_fault(root, code)
    # Peewee's own: a connection that was closed under it.
    return Fault.LOST if isinstance(root, peewee.InterfaceError) else Fault.REFUSED


def _mysql_fault(root: BaseException, code: int | None) -> Fault:
    if code in _MYSQL_LOST:
        # A silent server is not tried again at once: each try would cost another time-out.
        return Fault.AWAY if "timed out" in str(root) else Fault.LOST
    if code in _MYSQL_AWAY:
        return Fault.AWAY
    if code in _MYSQL_UNFIT:
        return Fault.UNFIT
    return Fault.LOCKED if code in _MYSQL_LOCKED else Fault.REFUSED


def _sqlite_fault(root: sqlite3.Error, code: int | None) -> Fault:
    if code in _SQLITE_LOCKED:
        return Fault.LOCKED
    words = str(root)
    if code in _SQLITE_AWAY or "no such table" in words:
        return Fault.AWAY
    if any(lack in words for lack in ("no such column", "has no column named", "no such index")):
        return Fault.UNFIT
    return Fault.LOST if "closed database" in words else Fault.REFUSED
