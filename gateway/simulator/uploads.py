"""How files reach the simulated Gemini: resumable sessions and multipart bodies.

A session's address needs no key: whoever has it may send the bytes, as with the real one.
Source: Gemini API, Files; commands and headers as google-genai sends them.
"""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from gateway.simulator.answers import JSON_TYPE, Answer, json_answer
from gateway.simulator.belongings import FILE_ADDRESS, Belonging, Belongings, timestamp
from gateway.simulator.field_names import FILE, UPLOAD, known_fields, read_json, refuse
from gateway.simulator.http1 import HttpRequest

_MAX_SESSIONS = 200
_LIFE_S = 48 * 3600
_GRANULARITY = "262144"
_ACTIVE = ("X-Goog-Upload-Status", "active")
_FINAL = ("X-Goog-Upload-Status", "final")
_MEDIA_TYPE = re.compile(rb"content-type:\s*([^\s;]+)", re.IGNORECASE)
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')


@dataclass(slots=True)
class _Session:
    """One resumable upload.

    store     the file search store that the document goes to, "" for a file
    received  gone when all of it is there
    """

    project: str
    about: dict[str, Any]
    mime_type: str
    store: str
    received: bytearray = field(default_factory=bytearray)
    is_over: bool = False


@dataclass(slots=True)
class Uploads:
    """The sessions that are open; the oldest are forgotten when there are too many."""

    belongings: Belongings
    _sessions: dict[str, _Session] = field(default_factory=dict)

    def begin(self, request: HttpRequest, version: str, project: str, store: str, now_s: float) -> Answer:
        """Open a session, or take a file in one go."""
        protocol = (request.header("x-goog-upload-protocol") or "").lower()
        if protocol == "multipart" or (request.header("content-type") or "").startswith("multipart/related"):
            about, mime_type, content = _parts(request)
            return json_answer({"file": self.add_file(project, about, mime_type, content, now_s)})
        if protocol != "resumable" or request.header("x-goog-upload-command") != "start":
            refuse("Invalid upload: expected the resumable or the multipart protocol.")
        about = _about(request.body)
        mime_type = request.header("x-goog-upload-header-content-type") or about.get("mimeType", "")
        upload_id = self.belongings.new_id("uploads")
        self._sessions[upload_id] = _Session(project, about, mime_type, store)
        if len(self._sessions) > _MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        path = f"upload/{version}/{store + ':uploadToFileSearchStore' if store else 'files'}"
        url = f"http://{request.header('host')}/{path}?upload_id={upload_id}&upload_protocol=resumable"
        headers = (
            ("X-Goog-Upload-URL", url),
            ("X-Goog-Upload-Control-URL", url),
            ("X-Goog-Upload-Chunk-Granularity", _GRANULARITY),
            _ACTIVE,
        )
        return Answer(200, JSON_TYPE, (b"",), headers)

    def go_on(self, request: HttpRequest, upload_id: str, now_s: float) -> Answer:
        """Take bytes of a session. Raises RefusedError."""
        session = self._sessions.get(upload_id)
        if session is None:
            refuse("Invalid upload: the session is not known or has ended.")
        commands = {each.strip() for each in (request.header("x-goog-upload-command") or "").split(",")}
        if "query" in commands:
            received = ("X-Goog-Upload-Size-Received", str(len(session.received)))
            headers = (_FINAL,) if session.is_over else (received, _ACTIVE)
            return Answer(200, JSON_TYPE, (b"",), headers)
        if session.is_over:
            refuse("Invalid upload: the session has ended.")
        if "cancel" in commands:
            del self._sessions[upload_id]
            return Answer(200, JSON_TYPE, (b"",), (("X-Goog-Upload-Status", "cancelled"),))
        if "upload" in commands:
            offset = request.header("x-goog-upload-offset")
            if offset != str(len(session.received)):
                refuse(f"Invalid upload offset: got {offset}, expected {len(session.received)}.")
            session.received += request.body
        if "finalize" not in commands:
            return Answer(200, JSON_TYPE, (b"",), (_ACTIVE,))
        return self._finish(session, now_s)

    def add_file(
        self, project: str, about: dict[str, Any], mime_type: str, content: bytes, now_s: float, **more: str
    ) -> dict[str, Any]:
        """Keep a file and give it as the API shows it."""
        name = about.get("name") or f"files/{self.belongings.new_id('files')}"
        digest = base64.b64encode(hashlib.sha256(content).hexdigest().encode()).decode()
        shown = {
            "name": name,
            "displayName": about.get("displayName", ""),
            "mimeType": mime_type or "application/octet-stream",
            "sizeBytes": str(len(content)),
            "createTime": timestamp(now_s),
            "updateTime": timestamp(now_s),
            "expirationTime": timestamp(now_s + _LIFE_S),
            "sha256Hash": digest,
            "uri": FILE_ADDRESS + name,
            "state": "ACTIVE",
            "source": "UPLOADED",
            **more,
        }
        return self.belongings.add(name, Belonging(project, shown, content)).shown

    def _finish(self, session: _Session, now_s: float) -> Answer:
        content = bytes(session.received)
        session.received.clear()
        session.is_over = True
        if not session.store:
            file = self.add_file(session.project, session.about, session.mime_type, content, now_s)
            return json_answer({"file": file}, _FINAL)
        about = {"mimeType": session.mime_type, **session.about}
        return json_answer(self.add_document(session.store, session.project, about, content), _FINAL)

    def add_document(self, store: str, project: str, about: dict[str, Any], content: bytes) -> dict[str, Any]:
        """Put a document into a store and give the operation that did it."""
        document = f"{store}/documents/{self.belongings.new_id('documents')}"
        shown = {
            "name": document,
            "displayName": about.get("displayName", ""),
            "state": "STATE_ACTIVE",
            "sizeBytes": str(len(content)),
            "mimeType": about.get("mimeType", ""),
        }
        self.belongings.add(document, Belonging(project, shown))
        name = f"{store}/upload/operations/{self.belongings.new_id('operations')}"
        operation = {
            "name": name,
            "done": True,
            "response": {
                "@type": "type.googleapis.com/google.ai.generativelanguage.v1beta."
                "UploadToFileSearchStoreResponse",
                "parent": store,
                "documentName": document,
            },
        }
        return self.belongings.add(name, Belonging(project, operation)).shown


def _parts(request: HttpRequest) -> tuple[dict[str, Any], str, bytes]:
    """The two parts of a multipart upload: what is said of the file, its type, its bytes."""
    found = _BOUNDARY.search(request.header("content-type") or "")
    parts = request.body.split(b"--" + found[1].encode()) if found else []
    if len(parts) != 4:
        refuse("Invalid upload: a multipart body has two parts, the metadata and the media.")
    about = _about(parts[1].partition(b"\r\n\r\n")[2])
    head, _, content = parts[2].partition(b"\r\n\r\n")
    said = _MEDIA_TYPE.search(head)
    return about, said[1].decode("latin-1") if said else "", content.removesuffix(b"\r\n")


def _about(body: bytes) -> dict[str, Any]:
    """What is said of the file to come: of a file's own members, or those of a store's document."""
    fields = known_fields(read_json(body), UPLOAD)
    return known_fields(fields["file"], FILE, "file") if "file" in fields else fields
