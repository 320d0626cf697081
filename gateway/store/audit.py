"""Who changed what when, as rows. Secrets are masked before they come here."""

from gateway.store.records import AuditRow
from gateway.store.tables import Tables
from gateway.store.texts import as_name, as_text


class AuditTrail:
    """Adds entries and reads them back, the newest first. Used inside `Store.read` and `Store.write`."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.audit

    def add(self, row: AuditRow) -> int:
        """Add an entry; gives its id."""
        added: int = self._table.insert(
            at_ms=row.at_ms,
            actor=as_name(row.actor, 40),
            peer=as_name(row.peer, 64),
            action=row.action[:40],
            subject=as_name(row.subject, 140),
            detail=as_text(row.detail.encode("utf-8", "replace")),
        ).execute()
        return added

    def amend(self, entry_id: int, subject: str, detail: str) -> bool:
        """Change what an entry says; False when it is gone."""
        query = self._table.update(subject=subject, detail=detail).where(self._table.id == entry_id)
        return bool(query.execute())

    def latest(
        self, limit: int, *, before_id: int | None = None, subject: str | None = None, about: str = ""
    ) -> list[AuditRow]:
        """The last entries, of one subject when it is named, older than `before_id` when that is given.

        about   what the subjects begin with
        """
        table = self._table
        query = table.select(
            table.at_ms, table.actor, table.peer, table.action, table.subject, table.detail, table.id
        )
        if before_id is not None:
            query = query.where(table.id < before_id)
        if subject is not None:
            query = query.where(table.subject == subject)
        if about:
            query = query.where(table.subject.startswith(about))
        return [AuditRow(*row) for row in query.order_by(table.id.desc()).limit(limit).tuples()]

    def prune(self, before_ms: int) -> int:
        """Remove entries that are older; gives how many."""
        return int(self._table.delete().where(self._table.at_ms < before_ms).execute())
