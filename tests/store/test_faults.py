"""What drivers' errors mean."""

import contextlib
import sqlite3

import peewee
import pymysql
import pytest

from gateway.store.faults import Fault, code_of, fault_of


@pytest.mark.parametrize(
    ("code", "text", "fault"),
    [
        (0, "", Fault.LOST),
        (2006, "MySQL server has gone away (BrokenPipeError(32, 'Broken pipe'))", Fault.LOST),
        (2013, "Lost connection to MySQL server during query", Fault.LOST),
        (2013, "Lost connection to MySQL server during query (timed out)", Fault.AWAY),
        (1927, "Connection was killed", Fault.LOST),
        (4031, "The client was disconnected by the server because of inactivity.", Fault.LOST),
        (1153, "Got a packet bigger than 'max_allowed_packet' bytes", Fault.LOST),
        (2003, "Can't connect to MySQL server on 'db'", Fault.AWAY),
        (1040, "Too many connections", Fault.AWAY),
        (1045, "Access denied", Fault.AWAY),
        (1146, "Table 'x.request' doesn't exist", Fault.AWAY),
        (1290, "The MySQL server is running with the --read-only option", Fault.AWAY),
        (1114, "The table 'request' is full", Fault.AWAY),
        (1205, "Lock wait timeout exceeded; try restarting transaction", Fault.LOCKED),
        (1213, "Deadlock found when trying to get lock", Fault.LOCKED),
        (1054, "Unknown column 'x' in 'field list'", Fault.UNFIT),
        (1136, "Column count doesn't match value count at row 1", Fault.UNFIT),
        (1176, "Key 'x' doesn't exist in table 'request'", Fault.UNFIT),
        (1364, "Field 'x' doesn't have a default value", Fault.UNFIT),
        (3169, "The session was killed", Fault.LOST),
        (3101, "Plugin instructed the server to rollback the current transaction.", Fault.LOCKED),
        (1043, "Bad handshake", Fault.AWAY),
        (1862, "Your password has expired.", Fault.AWAY),
        (3118, "Access denied for user 'x'@'y'. Account is locked.", Fault.AWAY),
        (4151, "Access denied, this account is locked", Fault.AWAY),
        (3032, "The server is currently in offline mode", Fault.AWAY),
        (1264, "Out of range value for column", Fault.REFUSED),
        (1366, "Incorrect string value", Fault.REFUSED),
        (1406, "Data too long for column", Fault.REFUSED),
        (1062, "Duplicate entry", Fault.REFUSED),
        (1064, "You have an error in your SQL syntax", Fault.REFUSED),
    ],
)
def test_mysql_codes_tell_a_lost_connection_from_a_refused_statement(
    code: int, text: str, fault: Fault
) -> None:
    driver = pymysql.err.OperationalError(code, text)

    assert fault_of(driver) is fault
    assert fault_of(peewee.OperationalError(driver, code, text)) is fault
    assert code_of(peewee.OperationalError(driver, code, text)) == code


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (sqlite3.SQLITE_BUSY, Fault.LOCKED),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Fault.LOCKED),
        (sqlite3.SQLITE_FULL, Fault.AWAY),
        (sqlite3.SQLITE_READONLY, Fault.AWAY),
        (sqlite3.SQLITE_IOERR_WRITE, Fault.AWAY),
        (sqlite3.SQLITE_NOTADB, Fault.AWAY),
        (sqlite3.SQLITE_TOOBIG, Fault.REFUSED),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, Fault.REFUSED),
    ],
)
def test_sqlite_codes_are_read_by_their_primary_part(code: int, fault: Fault) -> None:
    driver = sqlite3.OperationalError("words")
    driver.sqlite_errorcode = code

    assert fault_of(driver) is fault
    assert fault_of(peewee.OperationalError(driver, "words")) is fault


def test_a_missing_sqlite_table_is_no_records_fault() -> None:
    with pytest.raises(sqlite3.OperationalError) as caught:
        sqlite3.connect(":memory:").execute("SELECT 1 FROM request")

    assert fault_of(caught.value) is Fault.AWAY


@pytest.mark.parametrize(
    "statement",
    ["SELECT x FROM request", "INSERT INTO request (x) VALUES (1)", "SELECT y FROM request INDEXED BY x"],
)
def test_sqlite_tables_that_lack_something_are_no_values_fault(statement: str) -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE request (y)")

    with contextlib.closing(database), pytest.raises(sqlite3.OperationalError) as caught:
        database.execute(statement)

    assert fault_of(caught.value) is Fault.UNFIT


@pytest.mark.parametrize("error", [OverflowError(), ValueError(), UnicodeEncodeError("utf-8", "", 0, 1, "")])
def test_an_error_that_is_no_databases_refuses_the_statement(error: Exception) -> None:
    assert fault_of(error) is Fault.REFUSED


def test_peewees_closed_connection_is_a_lost_one() -> None:
    assert fault_of(peewee.InterfaceError("Cannot commit, database connection not open.")) is Fault.LOST
