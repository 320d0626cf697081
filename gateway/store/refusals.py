"""The databases' refusals in words a person understands. The password is in none of them."""

import socket

from gateway.errors import StoreError, StoreUnavailable
from gateway.store.config import DatabaseConfig
from gateway.store.faults import CommitUncertain, Fault, code_of, driver_error, fault_of


def refusal(config: DatabaseConfig, error: BaseException) -> StoreUnavailable:
    """Say why a database does not let us in or does not serve us."""
    if fault_of(error) is Fault.UNFIT:
        return StoreUnavailable(_unfit_words(config, error))
    if config.kind == "sqlite":
        return StoreUnavailable(_sqlite_words(config, str(driver_error(error))))
    return StoreUnavailable(_mysql_words(config, error))


def job_failure(config: DatabaseConfig, error: BaseException) -> StoreError:
    """Say why a read or a change that had begun did not come to its end."""
    if isinstance(error, CommitUncertain):
        return StoreUnavailable(
            f"The connection to {config.place} broke while a change was being committed: "
            "it may or may not have been made."
        )
    fault = fault_of(error)
    if fault is Fault.UNFIT:
        return StoreError(_unfit_words(config, error))
    if fault is Fault.REFUSED:
        code = code_of(error)
        number = "" if code is None else f" {code}"
        return StoreError(f"The database refused this ({type(driver_error(error)).__name__}{number}).")
    if fault is Fault.LOST:
        return StoreUnavailable(f"The connection to {config.place} was lost; nothing was changed.")
    return refusal(config, error)


def _unfit_words(config: DatabaseConfig, error: BaseException) -> str:
    """Say that the tables are of another version; the driver names the column and no value."""
    named = str(driver_error(error).args[-1])
    return (
        f"The tables in {config.place} are not those that this version of the gateway knows ({named}). Start "
        "it again, which brings older tables up to date; if that changes nothing, run the version that made "
        "them, or restore a backup."
    )


def _mysql_words(config: DatabaseConfig, error: BaseException) -> str:
    code, where = code_of(error), config.where
    expired = (
        f"The password of user '{config.user}' has expired at the MySQL server at {where}. Set a new one."
    )
    locked = f"User '{config.user}' is locked at the MySQL server at {where}."
    words = {
        1045: f"The MySQL server at {where} refuses user '{config.user}': wrong password or unknown user. "
        "Check MYSQL_USER and MYSQL_PASSWORD; if the server's password was changed, change it here too.",
        1044: f"User '{config.user}' may not use the MySQL database '{config.database}' at {where}. "
        "Grant it all rights on that database, or change MYSQL_DATABASE.",
        1049: f"The MySQL server at {where} has no database '{config.database}'. Create it "
        f"(CREATE DATABASE `{config.database}` CHARACTER SET utf8mb4), or change MYSQL_DATABASE.",
        1698: f"The MySQL server at {where} does not let user '{config.user}' in with a password. "
        "Use another MYSQL_USER, or change how that user signs in.",
        1040: f"The MySQL server at {where} has no connection left. Raise its max_connections, or run "
        "fewer gateways on it.",
        1142: f"User '{config.user}' lacks rights on {config.place}. Grant it all rights on that database.",
        1146: f"A table is missing in {config.place}. Start the gateway again, so that it is made.",
        1290: f"The MySQL server at {where} is read-only.",
        1836: f"The MySQL server at {where} is read-only.",
        1874: f"The MySQL server at {where} is read-only.",
        1820: expired,
        1862: expired,
        3032: f"The MySQL server at {where} is in offline mode.",
        3118: locked,
        4151: locked,
        1021: f"The MySQL server at {where} has no room left on its disk.",
        1114: f"The MySQL server at {where} has no room left for a table.",
    }
    if code in words:
        return words[code]
    if "timed out" in str(driver_error(error)):
        return f"The MySQL server at {where} does not answer in time."
    if fault_of(error) is Fault.LOCKED:
        return f"{_capital(config.place)} is locked by somebody else."
    if code is not None and (1000 <= code < 2000 or 3000 <= code < 5000):
        return f"The MySQL server at {where} does not serve us (its error {code})."
    return _unreachable(config)


def _unreachable(config: DatabaseConfig) -> str:
    if config.socket:
        return f"There is no MySQL server at the socket {config.socket}. Check MYSQL_SOCKET."
    try:
        socket.getaddrinfo(config.host, config.port)
    except OSError:
        return f"The database host '{config.host}' is not known here. Check MYSQL_HOST and the network's DNS."
    return (
        f"No MySQL server answers at {config.where}. Check MYSQL_HOST and MYSQL_PORT, and that the server is "
        "up and reachable from here."
    )


def _sqlite_words(config: DatabaseConfig, text: str) -> str:
    if "not a database" in text:
        return f"{config.path} is not a SQLite database. Move it away, or change SQLITE_DATABASE."
    if "readonly" in text or "unable to open" in text:
        return f"{config.path} cannot be opened for writing. Check its owner and rights."
    if "locked" in text:
        return f"{config.path} is locked by another program."
    if "full" in text:
        return f"There is no room left for {config.path}."
    return f"{config.path} cannot be used: {text}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
