"""The rows of responses that clients go on from. Used inside `Store.read` and `Store.write`.

A body is packed here: compressed, encrypted like a secret, and written as text. It says nothing to this room.
"""

import base64
import zlib
from collections.abc import Iterable, Iterator, Sequence

from gateway.store.bulk import insert_rows, insert_statement
from gateway.store.records import KeptResponse, ResponseLink
from gateway.store.secrets import Cipher
from gateway.store.tables import Tables

ID_CHARS = 160
"""The longest id that a row can have."""
_COLUMNS = "id previous_id token_id created_at_ms body_bytes packed_bytes body".split()
_CHUNK = 16
_QUICKLY = 1
"""zlib's level: text becomes a quarter here. The usual one takes four times as long for a sixth less."""


class Responses:
    """Reads and writes kept responses."""

    def __init__(self, tables: Tables, cipher: Cipher) -> None:
        self._table = tables.kept_response
        self._database = tables.database
        self._cipher = cipher
        self._insert = insert_statement(tables.database, "kept_response", _COLUMNS, unique=["id"])
        # Written out, since a chain asks it once for every link: peewee takes forty times as long.
        self._link = (
            f"SELECT {', '.join(ResponseLink._fields)} FROM kept_response "  # noqa: S608 - names are constants
            f"WHERE id = {tables.database.param}"
        )

    def put(self, rows: Iterable[KeptResponse]) -> None:
        """Write responses; one whose id is there already stays as it is."""
        insert_rows(self._database, self._insert, map(self._values, rows))

    def links(self, ids: Sequence[str]) -> list[ResponseLink]:
        """What is known of those of the responses named that there are, without their bodies, in no order."""
        table = self._table
        columns = [getattr(table, name) for name in ResponseLink._fields]
        return [
            ResponseLink(*row)
            for start in range(0, len(ids), _CHUNK)
            for row in table.select(*columns).where(table.id.in_(list(ids[start : start + _CHUNK]))).tuples()
        ]

    def chain(self, response_id: str, most: int) -> list[ResponseLink]:
        """A response and those before it, the newest first, until one is missing or there are so many."""
        found: list[ResponseLink] = []
        wanted: str | None = response_id
        while wanted is not None and len(found) < most:
            row = self._database.execute_sql(self._link, (wanted,)).fetchone()
            if row is None:
                break
            found.append(ResponseLink(*row))
            wanted = found[-1].previous_id
        return found

    def bodies(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """The bodies of those of the responses named that there are, by id, a few at a time, in no order.

        Raises StoreUnavailable when ENCRYPTION_KEY does not open one.
        """
        table = self._table
        for start in range(0, len(ids), _CHUNK):
            chunk = list(ids[start : start + _CHUNK])
            for response_id, body in table.select(table.id, table.body).where(table.id.in_(chunk)).tuples():
                yield response_id, zlib.decompress(base64.b64decode(self._cipher.open(body)))

    def remove(self, ids: Sequence[str]) -> int:
        """Forget the responses named; gives how many there were."""
        table = self._table
        return int(table.delete().where(table.id.in_(list(ids))).execute()) if ids else 0

    def total_bytes(self) -> int:
        """What all bodies together take, packed."""
        sql = "SELECT COALESCE(SUM(packed_bytes), 0) FROM kept_response"
        return int(self._database.execute_sql(sql).fetchone()[0])

    def oldest(self, most: int, *, before_ms: int | None = None) -> list[tuple[str, int]]:
        """The ids of the oldest responses, the oldest first, and what each takes, packed.

        before_ms   only those kept before
        """
        table = self._table
        query = table.select(table.id, table.packed_bytes).order_by(table.created_at_ms).limit(most)
        if before_ms is not None:
            query = query.where(table.created_at_ms < before_ms)
        return list(query.tuples())

    def _values(self, row: KeptResponse) -> Sequence[object]:
        link = row.link
        packed = self._cipher.seal(base64.b64encode(zlib.compress(row.body, _QUICKLY)).decode())
        return (*link, len(packed), packed)
