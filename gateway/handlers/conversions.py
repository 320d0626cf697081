"""Pictures and sound into the format a client asked for, where the machine has ffmpeg."""

import base64
from types import MappingProxyType

from gateway.log import get_logger
from gateway.programs.ffmpeg import ConversionFailed, Ffmpeg
from gateway.protocols.error_bodies import Problem
from gateway.protocols.media import Media, content_of
from gateway.protocols.speech import Sound
from gateway.relay.inner import CallFailed

log = get_logger("gateway.handlers")
_FAILED = Problem(500, "The answer could not be converted into the format asked for.", "internal")
_USUAL_QUALITY = 90
_SOUND = MappingProxyType(
    {
        "mp3": ("-c:a", "libmp3lame", "-b:a", "96k", "-f", "mp3"),
        "opus": ("-c:a", "libopus", "-b:a", "48k", "-f", "ogg"),
        "aac": ("-c:a", "aac", "-b:a", "96k", "-f", "adts"),
        "flac": ("-c:a", "flac", "-f", "flac"),
    }
)


async def converted_picture(ffmpeg: Ffmpeg, picture: Media, encoding: str, quality: int | None) -> Media:
    """The picture as png, jpeg or webp; as it is when it is that already, or cannot be converted.

    quality   0 to 100 for jpeg and webp, None for the usual one

    One of another format than was asked for, which says so, is better than none: it has been paid for.
    """
    mime_type = f"image/{encoding}"
    if not ffmpeg.available or (picture.mime_type == mime_type and quality is None):
        return picture
    quality = _USUAL_QUALITY if quality is None else quality
    # mjpeg counts from 2 (best) to 31.
    codecs = {
        "png": ("png",),
        "jpeg": ("mjpeg", "-q:v", str(round(31 - quality * 29 / 100))),
        "webp": ("libwebp", "-quality", str(quality)),
    }
    write = ("-frames:v", "1", "-c:v", *codecs[encoding], "-f", "image2pipe")
    try:
        made = await ffmpeg.convert(content_of(picture), read=("-f", "image2pipe"), write=write)
    except ConversionFailed as failed:
        log.warning("picture_not_converted", reason=str(failed))
        return picture
    return Media(mime_type, base64.b64encode(made).decode("ascii"))


async def converted_sound(ffmpeg: Ffmpeg, sound: Sound, encoding: str) -> bytes:
    """The sound as mp3, opus, aac or flac. Raises CallFailed."""
    read = ("-f", "s16le", "-ar", str(sound.rate_hz), "-ac", "1")
    try:
        return await ffmpeg.convert(sound.pcm, read=read, write=_SOUND[encoding])
    except ConversionFailed as failed:
        log.warning("sound_not_converted", reason=str(failed))
        raise CallFailed(_FAILED) from None
