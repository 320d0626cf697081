"""A JSON body without its long texts, for planners that look into none of them.

A picture's base64 is one text of megabytes. Parsing copies it, writing copies it again, and both cost more
than all the rest of a call. So a long text is cut out before: a mark stands for it while the body is read,
and what is written of it gets the text back, byte for byte. Pure.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from gateway.values import value

LONG_BYTES: Final = 32 * 1024
"""A text shorter than this stays: nothing would be saved."""
SHORTENED_BYTES: Final = 2 * LONG_BYTES
"""A body shorter than this keeps all its texts."""
_STEP_BYTES: Final = LONG_BYTES // 2
_NAME_BYTES: Final = 64  # before a text: its field's name is in there
_HEAD_BYTES: Final = 256  # of media: its type, what tells it, and what a message may quote
# In base64's alphabet, and of a length that leaves base64 around it as it is.
_MARK: Final = b"LongText%08d"
_MARK_BYTES: Final = 16
_MARKS: Final = re.compile(rb"LongText(\d{8})")
_MARK_START: Final = b"LongText"
_AFTER_A_TEXT: Final = re.compile(rb"[ \t\r\n]*+[,:\]}]")  # what stands behind a closing quote
_BACKSLASH: Final = 0x5C
_MEDIA_FIELD: Final = re.compile(
    rb'"(?:(?:image_|video_|audio_|file_)?url|file_data|data)"[ \t\r\n]*:[ \t\r\n]*"\Z'
)
_MEDIA_TYPE: Final = re.compile(rb"data:(?:(?:image|video|audio)/[a-z0-9.+-]{1,60}|application/pdf);base64,")
_MENDED: Final = (b"\\", b" ")  # base64 with these is mended here: blanks, and lines' ends, which are escaped


@value(frozen=True, slots=True)
class Shortened:
    """A body, and what has been cut out of it.

    data   the body with marks in place of the texts; the body itself where nothing was cut
    cut    the texts, in the order of their marks
    """

    data: bytes
    cut: tuple[memoryview, ...] = ()

    def whole(self, written: bytes) -> bytes:
        """JSON that was written from the parsed `data`, each text back where its mark stands."""
        if not self.cut:
            return written
        pieces: list[bytes | memoryview] = []
        place = 0
        for begin, end, number in self._marks(written):
            pieces += (written[place:begin], self.cut[number])
            place = end
        pieces.append(written[place:])
        return b"".join(pieces)

    def within(self, written: bytes, whole: bytes) -> "Shortened":
        """The same, its texts taken from what `whole` gave for `written`: the body may be let go of."""
        cut = list(self.cut)
        view, grown_bytes = memoryview(whole), 0
        for begin, end, number in self._marks(written):
            size_bytes = len(cut[number])
            cut[number] = view[begin + grown_bytes :][:size_bytes]
            grown_bytes += size_bytes - (end - begin)
        return Shortened(self.data, tuple(cut))

    def _marks(self, written: bytes) -> Iterator[tuple[int, int, int]]:
        """Where marks begin and end, and the numbers of their texts."""
        for mark in _MARKS.finditer(written):
            number = int(mark[1])
            if number < len(self.cut):
                yield mark.start(), mark.end(), number


NOTHING_CUT: Final = Shortened(b"")


def without_long_texts(body: bytes) -> Shortened:
    """A native body without its long texts; signatures stay, because conversations are told by them.

    What is cut is checked for nothing: bytes that no text may hold are the upstream's to refuse.
    """
    return _shortened(body, _behind_its_name)


def without_media(body: bytes) -> Shortened:
    """A chat request's body without the long base64 of its data URLs, each of which keeps its beginning.

    Only where the rest of it may be sent as it is, and stands in a field whose text is read as nothing else.
    """
    return _shortened(body, _behind_its_type)


def _shortened(body: bytes, cut_at: Callable[[bytes, int, int], int | None]) -> Shortened:
    if len(body) < SHORTENED_BYTES:
        return Shortened(body)
    kept: list[bytes] = []
    cut: list[memoryview] = []
    view = memoryview(body)
    place = 0
    for start, end in _long_texts(body):
        begin = cut_at(body, start, end)
        if begin is not None:
            kept += (body[place:begin], _MARK % len(cut))
            cut.append(view[begin:end])
            place = end
    if not cut:
        return Shortened(body)
    kept.append(body[place:])
    data = b"".join(kept)
    if data.count(_MARK_START) != len(cut):
        return Shortened(body)  # the client wrote what looks like a mark
    return Shortened(data, tuple(cut))


def _long_texts(body: bytes) -> Iterator[tuple[int, int]]:
    """Where long stretches without a quote begin and end: texts, if the quotes around them are a text's.

    Were such a stretch none, two texts would meet where it was cut out, and the rest would not be JSON. A
    quote with a backslash before it is no end.
    """
    after, probe = 0, _STEP_BYTES
    while True:
        end = body.find(b'"', probe)
        if end < 0:
            return
        start = body.rfind(b'"', after, probe) + 1
        is_long = start > 0 and end - start >= LONG_BYTES
        if is_long and body[end - 1] != _BACKSLASH and not _AFTER_A_TEXT.match(body, start):
            yield start, end
            after = end + 1
        probe = end + _STEP_BYTES


def _behind_its_name(body: bytes, start: int, _end: int) -> int | None:
    return None if b"ignature" in _before(body, start) else start


def _behind_its_type(body: bytes, start: int, end: int) -> int | None:
    if _MEDIA_TYPE.match(body, start) is None or _MEDIA_FIELD.search(_before(body, start)) is None:
        return None
    if any(body.find(sign, start, end) >= 0 for sign in _MENDED):
        return None
    return start + _HEAD_BYTES


def _before(body: bytes, start: int) -> bytes:
    return body[max(0, start - _NAME_BYTES) : start]
