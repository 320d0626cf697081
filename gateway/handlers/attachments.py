"""What a request only points at, found before its translation: media at addresses, files by their ids."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gateway.errors import BadRequest
from gateway.handlers.binding import is_permitted
from gateway.handlers.planning import Asked
from gateway.protocols.media import fetched_type
from gateway.protocols.openai_files import file_name, read_note
from gateway.protocols.remote_media import (
    FILES_ORIGIN,
    NO_ATTACHMENTS,
    Attachments,
    FetchedMedia,
    StoredFile,
    file_ids,
    is_all_text,
    remote_urls,
    shown_pictures,
)
from gateway.protocols.shapes import JsonObject
from gateway.upstream.downloads import NotDownloaded
from gateway.upstream.fetch import Room
from gateway.values import value

MOST_ADDRESSES = 256
MOST_FILES = 256
_AT_ONCE = 8
_SNIFFED_BYTES = 16


@value(frozen=True, slots=True)
class Pointers:
    """What a chat request only points at: addresses of media, ids of files, pictures that answers showed."""

    addresses: Sequence[str]
    files: Sequence[str]
    shown: Sequence[str]


def pointers_of(asked: Asked, request: JsonObject) -> Pointers | None:
    """What a chat request points at, None for nothing. Never raises."""
    messages = request.get("messages")
    addresses, files = ((), ()) if is_all_text(messages) else (remote_urls(messages), file_ids(messages))
    shape = asked.services.shape
    # Its own pictures are shown to a model that paints.
    sees_own = shape is not None and shape.host is not None and "image" in str(request.get("model"))
    shown = shown_pictures(messages) if sees_own else ()
    return Pointers(addresses, files, shown) if addresses or files or shown else None


async def attach(asked: Asked, pointers: Pointers | None) -> Attachments:
    """What the pointers lead to. Raises BadRequest for more than may be looked up."""
    if pointers is None:
        return NO_ATTACHMENTS
    attachments = await fetch_media(asked, pointers.addresses) if pointers.addresses else NO_ATTACHMENTS
    if pointers.files:
        attachments = replace(attachments, files=await find_files(asked, pointers.files))
    if pointers.shown:
        attachments = replace(attachments, shown=await fetch_shown(asked, pointers.shown))
    return attachments


async def fetch_media(asked: Asked, addresses: Sequence[str]) -> Attachments:
    """Fetch what the addresses of a request hold, several at a time; what fails is told in `missed`.

    addresses   as `remote_urls` gave them: none twice
    """
    if addresses and not asked.services.live.current.remote_media_max_mb:
        raise BadRequest(
            "This gateway fetches no media from addresses; send data URLs.", code="unsupported_value"
        )
    if len(addresses) > MOST_ADDRESSES:
        raise BadRequest(
            f"A request may name at most {MOST_ADDRESSES} addresses of media.", code="invalid_value"
        )
    missed: dict[str, str] = {}
    fetched = await _fetch(asked, addresses, missed)
    return Attachments(fetched=fetched, missed=missed)


async def fetch_shown(asked: Asked, addresses: Sequence[str]) -> Mapping[str, FetchedMedia]:
    """Fetch pictures that earlier answers showed; one that is gone stays the text it is."""
    return await _fetch(asked, addresses, {})


async def _fetch(asked: Asked, addresses: Sequence[str], missed: dict[str, str]) -> dict[str, FetchedMedia]:
    services = asked.services
    settings = services.live.current
    room = Room(settings.remote_media_max_mb * 1024 * 1024)
    now_s = services.engine.now_s()
    until_s = min(now_s + settings.remote_media_timeout_seconds, asked.until_s)
    fetched: dict[str, FetchedMedia] = {}

    def choose_proxy(host: str) -> str | None:
        return services.engine.egress.choose(host, ())

    async def fetch_one(address: str) -> None:
        try:
            found = await services.downloads.get(
                address, room=room, until_s=until_s, choose_proxy=choose_proxy
            )
        except NotDownloaded as error:
            missed[address] = str(error)
            return
        mime_type = fetched_type(found.content_type, found.content[:_SNIFFED_BYTES])
        fetched[address] = FetchedMedia(mime_type, found.content)

    await asked.each(addresses, fetch_one, at_once=_AT_ONCE)
    return fetched


async def find_files(asked: Asked, ids: Sequence[str]) -> Mapping[str, StoredFile]:
    """Where the files of these ids live; those the client may not use are not found. Raises BadRequest.

    ids   as `file_ids` gave them: none twice
    """
    if len(ids) > MOST_FILES:
        raise BadRequest(f"A request may name at most {MOST_FILES} files.", code="invalid_value")
    names = {each: named[0] for each in ids if (named := file_name(each)) is not None and not named[1]}
    entries = await asked.services.background.objects.look_up(list(names.values()))
    found: dict[str, StoredFile] = {}
    for each, name in names.items():
        entry = entries.get(name)
        if entry is not None and is_permitted(asked, entry):
            note = read_note(entry.details)
            found[each] = StoredFile(FILES_ORIGIN + name, "" if note is None else note.media_type)
    return found
