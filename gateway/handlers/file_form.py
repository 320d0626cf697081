"""The form of an OpenAI upload, read while it comes: its fields, and its file as it is sent to Google."""

from collections.abc import Callable

from gateway.errors import BadRequest
from gateway.protocols.fields import missing, wrong_value
from gateway.protocols.media import stored_type
from gateway.protocols.openai_batch_lines import BatchRequests, looks_like_requests
from gateway.protocols.openai_files import BATCH, PURPOSES, display_name
from gateway.streaming.form_parts import FormBroken, FormEvent, FormReader, PartEnd, PartHead

_JSONL = "application/jsonl"
_TOLD_BYTES = 512
"""Of a file, to tell what it is."""
_MOST_HELD_BYTES = 64 * 1024
"""Of a file whose purpose stands behind it; and of a field."""


class FileForm:
    """The form of one upload, read while it comes.

    requests    makes what translates a batch's file
    is_known    enough of the file has come to say what it is; then these are true of it:
    media_type  to be told Google
    batch       what translates it; None for any other file
    """

    def __init__(self, reader: FormReader, requests: Callable[[], BatchRequests]) -> None:
        self._reader = reader
        self._make_requests = requests
        self._fields: dict[str, str] = {}
        self._field = ""  # the one that is being read
        self._value = bytearray()
        self._held = bytearray()  # of a file that is not known yet
        self._file: PartHead | None = None
        self._in_file = False
        self.is_known = False
        self.media_type = ""
        self.batch: BatchRequests | None = None
        self.size = 0

    @property
    def filename(self) -> str:
        return display_name((self._file.filename or "") if self._file is not None else "")

    @property
    def purpose(self) -> str:
        return self._fields.get("purpose", "")

    def feed(self, chunk: bytes) -> bytes:
        """Take a piece of the form; give what of the file can be sent. Raises BadRequest."""
        try:
            events = self._reader.feed(chunk)
        except FormBroken as error:
            raise BadRequest(f"The request's form cannot be read: {error}.") from None
        return b"".join(map(self._take, events))

    def end(self) -> None:
        """The form is whole. Raises BadRequest for one that lacks something."""
        if self._file is None:
            raise missing("file")
        if not self._reader.is_over:
            raise BadRequest("The request's form breaks off.")
        if not self.purpose:
            raise missing("purpose")
        if not self.size:
            raise wrong_value("file", "the file is empty.")
        if (self.purpose == BATCH) != (self.batch is not None):
            raise wrong_value(
                "file", f"it does not look like one for {self.purpose}; send `purpose` before it."
            )

    def _take(self, event: FormEvent) -> bytes:
        if isinstance(event, PartHead):
            return self._begin(event)
        if isinstance(event, PartEnd):
            return self._finish()
        if not self._in_file:
            self._value += event
            if len(self._value) > _MOST_HELD_BYTES:
                raise BadRequest("A field of the form is too long.", param=self._field)
            return b""
        self.size += len(event)
        if self.is_known:
            return self._sent(event)
        self._held += event
        enough = _TOLD_BYTES if self.purpose else _MOST_HELD_BYTES
        return self._know() if len(self._held) >= enough else b""

    def _begin(self, head: PartHead) -> bytes:
        self._in_file = head.name == "file"
        if self._in_file and self._file is not None:
            raise wrong_value("file", "send one file a request.")
        if self._in_file:
            self._file = head
        else:
            self._field = head.name
            self._value.clear()
        return b""

    def _finish(self) -> bytes:
        if not self._in_file:
            self._fields[self._field] = self._value.decode("utf-8", "replace").strip()
            if self._field == "purpose" and self.purpose not in PURPOSES:
                raise wrong_value("purpose", f"it must be one of {', '.join(sorted(PURPOSES))}.")
            return b""
        self._in_file = False
        ready = b"" if self.is_known else self._know()
        return ready if self.batch is None else ready + self.batch.end()

    def _know(self) -> bytes:
        first = bytes(self._held)
        self._held.clear()
        is_batch = self.purpose == BATCH if self.purpose else looks_like_requests(first)
        if is_batch:
            self.batch = self._make_requests()
        said = self._file.media_type if self._file is not None else ""
        self.media_type = _JSONL if is_batch else stored_type(said, first)
        self.is_known = True
        return self._sent(first)

    def _sent(self, piece: bytes) -> bytes:
        return piece if self.batch is None else self.batch.feed(piece)
