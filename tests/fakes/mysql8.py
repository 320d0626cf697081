"""A door of MySQL 8 before the tests' database: caching_sha2_password, without TLS, as its image starts.

No MySQL 8 can be installed where the tests run. What differs for a client is how it signs in, and that is
spoken here: it asks for the server's RSA key and sends its password under it. Behind it is the real server.
Source: MySQL internals manual, "Caching SHA-2 Pluggable Authentication"; protocol version 10.
"""

import contextlib
import secrets
import socket
import socketserver
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pymysql
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

PLUGIN = b"caching_sha2_password"
_CONNECT_WITH_DB = 0x8
_CAPABILITIES = (
    0x1 | 0x2 | 0x4 | _CONNECT_WITH_DB | 0x200 | 0x2000 | 0x8000 | 0x10000 | 0x20000 | 0x80000 | 0x200000
)
"""As MySQL 8 has them, but for TLS, compression and the newer ends of rows, which PyMySQL asks not for."""
_FULL_SIGN_IN, _KEY_WANTED = b"\x01\x04", b"\x02"
_OK = b"\x00\x00\x00\x02\x00\x00\x00"


@dataclass(frozen=True, slots=True)
class Account:
    """A database and its one user, on the server behind."""

    host: str
    port: int
    user: str
    password: str
    database: str

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Self:
        """The one that a gateway with these settings would use."""
        return cls(
            settings["MYSQL_HOST"],
            int(settings["MYSQL_PORT"]),
            settings["MYSQL_USER"],
            settings["MYSQL_PASSWORD"],
            settings["MYSQL_DATABASE"],
        )


class MySQL8Door:
    """Open with `with`; `port` is of 127.0.0.1. `signed_in` counts those who came in by their password."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.signed_in = 0
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        door = self

        class Visitor(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                door.receive(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Visitor)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def receive(self, client: socket.socket) -> None:
        """Sign one client in, then pass everything on, both ways."""
        salt = bytes(secrets.choice(range(1, 128)) for _ in range(20))
        _send(client, 0, _greeting(salt))
        number, response = _read(client)
        flags, user = struct.unpack_from("<I", response)[0], response[32 : response.index(b"\0", 32)].decode()
        _send(client, number + 1, _FULL_SIGN_IN)
        number, wish = _read(client)
        if wish != _KEY_WANTED:
            raise AssertionError("a password without TLS must travel under the server's key")
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        _send(client, number + 1, b"\x01" + public)
        number, sealed = _read(client)
        oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # as MySQL does it
        masked = self.key.decrypt(sealed, oaep)
        password = bytes(byte ^ salt[at % 20] for at, byte in enumerate(masked)).removesuffix(b"\0")
        if (user, password) != (self.account.user, self.account.password.encode()):
            words = f"Access denied for user '{user}'@'172.18.0.3' (using password: YES)"
            _send(client, number + 1, b"\xff" + struct.pack("<H", 1045) + b"#28000" + words.encode())
            return
        behind: Any = pymysql.connect(
            host=self.account.host,
            port=self.account.port,
            user=self.account.user,
            password=self.account.password,
            database=self.account.database,
            client_flag=flags,
        )
        self.signed_in += 1
        _send(client, number + 1, _OK)
        back = threading.Thread(target=_pass_on, args=(behind._sock, client), daemon=True)
        back.start()
        _pass_on(client, behind._sock)
        back.join()
        behind._force_close()


def _greeting(salt: bytes) -> bytes:
    return b"".join(
        (
            b"\x0a8.4.6\0",
            struct.pack("<I", 7),
            salt[:8] + b"\0",
            struct.pack("<HBHH", _CAPABILITIES & 0xFFFF, 255, 2, _CAPABILITIES >> 16),
            bytes([21]) + bytes(10),
            salt[8:] + b"\0",
            PLUGIN + b"\0",
        )
    )


def _send(client: socket.socket, number: int, payload: bytes) -> None:
    client.sendall(struct.pack("<I", len(payload))[:3] + bytes([number]) + payload)


def _read(client: socket.socket) -> tuple[int, bytes]:
    head = _exactly(client, 4)
    return head[3], _exactly(client, int.from_bytes(head[:3], "little"))


def _exactly(client: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        piece = client.recv(count - len(got))
        if not piece:
            raise ConnectionError("the client left while it signed in")
        got += piece
    return got


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
    except OSError:
        pass
    finally:
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
