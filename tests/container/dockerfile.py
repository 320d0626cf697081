"""Reads the Dockerfile: stages of instructions, and what the last one says of the image.

Only what our own file uses; an instruction that is not known here is an error, so that nothing goes untested.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.house.source import ROOT

DOCKERFILE = ROOT / "Dockerfile"
_KNOWN = frozenset("FROM COPY RUN ENV WORKDIR VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD".split())
_FLAG = re.compile(r"--([a-z-]+)=(\S+)\s+")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One of a Dockerfile: `COPY --from=build /opt /opt` has the word COPY, a flag and a rest."""

    word: str
    rest: str
    flags: dict[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> list[str]:
        """The rest as a list: of an exec form, or of plain words."""
        return (
            [str(part) for part in json.loads(self.rest)] if self.rest.startswith("[") else self.rest.split()
        )

    @property
    def assignments(self) -> dict[str, str]:
        """What an ENV sets, before any variable in it is replaced."""
        return dict(part.split("=", 1) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands below one FROM."""

    name: str
    base: str
    instructions: tuple[Instruction, ...]

    def all(self, word: str) -> list[Instruction]:
        return [each for each in self.instructions if each.word == word]

    def one(self, word: str) -> Instruction:
        (found,) = self.all(word)
        return found


def stages(path: Path = DOCKERFILE) -> list[Stage]:
    found: list[Stage] = []
    for instruction in _instructions(path.read_text(encoding="utf-8")):
        if instruction.word == "FROM":
            base, *name = re.split(r"\s+AS\s+", instruction.rest)
            found.append(Stage(name[0] if name else "", base, ()))
        else:
            last = found.pop()
            found.append(Stage(last.name, last.base, (*last.instructions, instruction)))
    return found


def _instructions(text: str) -> list[Instruction]:
    without_comments = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    lines = re.sub(r"\\\n\s*", " ", without_comments).splitlines()
    return [_instruction(line) for line in lines if line.strip()]


def _instruction(line: str) -> Instruction:
    word, _, rest = line.partition(" ")
    if word not in _KNOWN:
        raise AssertionError(f"tests/container does not know {word}: teach it before using it")
    rest, flags = rest.strip(), {}
    while flag := _FLAG.match(rest):
        flags[flag[1]] = flag[2]
        rest = rest[flag.end() :]
    return Instruction(word, rest, flags)
