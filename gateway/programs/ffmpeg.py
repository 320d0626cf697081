"""ffmpeg: sound and pictures into other formats. Optional: what needs it is refused where it is missing.

Data goes in and out by pipes, no file is written. Used by the handlers of speech and pictures.
"""

import asyncio
import shutil
from collections.abc import Sequence

from gateway.errors import GatewayError
from gateway.log import get_logger

log = get_logger("gateway.programs")
AT_ONCE = 2
TIME_LIMIT_S = 60.0
_MOST_WORDS_BYTES = 500

# -nostdin: no console commands; only pipes may be opened, whatever the data says.
_USUAL = ("-hide_banner", "-loglevel", "error", "-nostdin", "-protocol_whitelist", "pipe")


class ConversionFailed(GatewayError):
    """The program did not do what was asked; the text is for the log."""


class Ffmpeg:
    """Runs ffmpeg, some at a time; who comes later waits within the same limit of time.

    path   of the program, None when the machine has none
    """

    def __init__(
        self, path: str | None, *, at_once: int = AT_ONCE, time_limit_s: float = TIME_LIMIT_S
    ) -> None:
        self._path = path
        self._room = asyncio.Semaphore(at_once)
        self._time_limit_s = time_limit_s

    @property
    def available(self) -> bool:
        return self._path is not None

    async def convert(self, data: bytes, *, read: Sequence[str], write: Sequence[str]) -> bytes:
        """The data in another format.

        read, write   ffmpeg's options for the input and the output: `-f s16le -ar 24000`, `-f mp3`

        Raises ConversionFailed. Cancelling the awaiting task ends the program.
        """
        if self._path is None:
            raise ConversionFailed("ffmpeg is not installed")
        try:
            async with asyncio.timeout(self._time_limit_s), self._room:
                return await self._run(self._path, data, (*_USUAL, *read, "-i", "pipe:0", *write, "pipe:1"))
        except TimeoutError:
            raise ConversionFailed(f"ffmpeg took longer than {self._time_limit_s:g} s") from None

    @staticmethod
    async def _run(path: str, data: bytes, options: Sequence[str]) -> bytes:
        pipe = asyncio.subprocess.PIPE
        try:
            program = await asyncio.create_subprocess_exec(
                path, *options, stdin=pipe, stdout=pipe, stderr=pipe
            )
        except OSError as error:
            raise ConversionFailed(f"ffmpeg cannot be started: {error.strerror}") from None
        try:
            made, words = await program.communicate(data)
        finally:
            if program.returncode is None:
                program.kill()
                await program.wait()
        if program.returncode != 0 or not made:
            said = words[-_MOST_WORDS_BYTES:].decode("utf-8", "replace").strip()
            raise ConversionFailed(f"ffmpeg ended with {program.returncode}: {said}")
        return made


def find_ffmpeg() -> str | None:
    """Where the machine's ffmpeg is, None when it has none."""
    return shutil.which("ffmpeg")
