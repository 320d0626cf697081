"""ffmpeg at work: data through pipes, bounds that hold, and clear words when it fails or is missing."""

import asyncio
import stat
import time
from pathlib import Path

import pytest

from gateway.programs.ffmpeg import ConversionFailed, Ffmpeg, find_ffmpeg
from tests.control.waiting import until

SILENCE = bytes(2 * 24_000)
FROM_PCM = ("-f", "s16le", "-ar", "24000", "-ac", "1")
needs_ffmpeg = pytest.mark.skipif(find_ffmpeg() is None, reason="this machine has no ffmpeg")


def pid_in(folder: Path) -> int | None:
    """The process that a stand-in noted, None before it did."""
    note = folder / "pid"
    text = note.read_text().strip() if note.exists() else ""
    return int(text) if text else None


def runs(pid: int | None) -> bool:
    return Path(f"/proc/{pid}").exists()


def stand_in(folder: Path, script: str) -> str:
    """A program that does what a test wants ffmpeg to do."""
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@needs_ffmpeg
@pytest.mark.parametrize(
    ("write", "magic"),
    [
        (("-f", "mp3"), b"ID3"),
        (("-c:a", "libopus", "-f", "ogg"), b"OggS"),
        (("-f", "flac"), b"fLaC"),
        (("-c:a", "aac", "-f", "adts"), b"\xff\xf1"),
    ],
)
async def test_sound_comes_out_in_another_format(write: tuple[str, ...], magic: bytes) -> None:
    made = await Ffmpeg(find_ffmpeg()).convert(SILENCE, read=FROM_PCM, write=write)

    assert made.startswith(magic)


@needs_ffmpeg
async def test_what_it_cannot_read_fails_with_its_words() -> None:
    with pytest.raises(ConversionFailed, match=r"ended with \d+: .*[Cc]annot determine format"):
        await Ffmpeg(find_ffmpeg()).convert(b"no sound at all", read=("-f", "flac"), write=("-f", "mp3"))


@needs_ffmpeg
async def test_it_opens_nothing_but_its_pipes(tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"RIFF")
    playlist = f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n".encode()

    with pytest.raises(ConversionFailed):
        await Ffmpeg(find_ffmpeg()).convert(playlist, read=("-f", "hls"), write=("-f", "mp3"))


async def test_without_a_program_it_says_so() -> None:
    absent = Ffmpeg(None)

    assert not absent.available
    with pytest.raises(ConversionFailed, match="not installed"):
        await absent.convert(b"x", read=(), write=())


async def test_a_program_that_cannot_be_started_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ConversionFailed, match="cannot be started"):
        await Ffmpeg(str(tmp_path / "gone")).convert(b"x", read=(), write=())


async def test_one_that_hangs_is_ended(tmp_path: Path) -> None:
    path = stand_in(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 60")
    began = time.monotonic()

    with pytest.raises(ConversionFailed, match=r"longer than 0\.3 s"):
        await Ffmpeg(path, time_limit_s=0.3).convert(b"x", read=(), write=())

    assert time.monotonic() - began < 10
    assert not runs(pid_in(tmp_path))


async def test_it_ends_with_the_one_who_waits(tmp_path: Path) -> None:
    path = stand_in(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 60")
    waiting = asyncio.ensure_future(Ffmpeg(path).convert(b"x", read=(), write=()))
    await until(lambda: pid_in(tmp_path) is not None)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert not runs(pid_in(tmp_path))


async def test_only_some_run_at_once(tmp_path: Path) -> None:
    # Each notes how many there are while it runs.
    path = stand_in(
        tmp_path,
        f"mkdir {tmp_path}/run.$$; ls -d {tmp_path}/run.* | wc -l; sleep 0.05; rmdir {tmp_path}/run.$$",
    )
    ffmpeg = Ffmpeg(path, at_once=2)

    counts = await asyncio.gather(*(ffmpeg.convert(b"", read=(), write=()) for _ in range(6)))

    assert max(int(count) for count in counts) <= 2
