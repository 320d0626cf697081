"""Carries out the Dockerfile's instructions in a bare root, as `docker build` would, and gives a folder."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.container.bare_root import ROOT_PATH
from tests.container.dockerfile import Instruction, Stage
from tests.house.source import ROOT, project_files

BUILD_WITHIN_S = 300
_NETWORK = "resolv.conf hosts nsswitch.conf ssl".split()
_PREPARE = 'for name in $LENT; do mount --bind "/etc/$name" "$ROOT_FOLDER/etc/$name"; done'
_ENTER = (
    'mount --rbind /dev "$ROOT_FOLDER/dev"; exec chroot "$ROOT_FOLDER" /bin/sh -c "cd \\"$AT\\" && $COMMAND"'
)


@dataclass(frozen=True, slots=True)
class Image:
    """What a build gives."""

    root: Path
    env: dict[str, str]
    workdir: str
    healthcheck: list[str]
    command: list[str]


def build(stages: list[Stage], bare: Path, folder: Path) -> None:
    """Build every stage into a folder of its own, made of links to the bare root's files."""
    roots: dict[str, Path] = {}
    for stage in stages:
        root = _place(folder, stage)
        subprocess.run(["cp", "-al", bare, root], check=True)
        roots[stage.name] = root
        _carry_out(stage, root, roots)


def image_of(stages: list[Stage], folder: Path) -> Image:
    """The image that was built into a folder."""
    last = stages[-1]
    health = Instruction("CMD", last.one("HEALTHCHECK").rest.removeprefix("CMD "))
    start = [*last.one("ENTRYPOINT").parts, *last.one("CMD").parts]
    workdir = last.all("WORKDIR")[-1].rest
    return Image(_place(folder, last), _environment(last), workdir, health.parts, start)


def _place(folder: Path, stage: Stage) -> Path:
    return folder / (stage.name or "last")


def _environment(stage: Stage) -> dict[str, str]:
    env = {"PATH": ROOT_PATH}
    for each in stage.all("ENV"):
        env |= {name: _with_variables(text, env) for name, text in each.assignments.items()}
    return env


def _carry_out(stage: Stage, root: Path, roots: dict[str, Path]) -> None:
    env, workdir = _environment(stage), "/"
    for each in stage.instructions:
        match each.word:
            case "WORKDIR":
                workdir = each.rest
                (root / workdir.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "COPY":
                _copy(each, root, workdir, roots)
            case "RUN":
                _run(each.rest, root, workdir, env)
            case _:  # says something of the image, does nothing to its files
                pass


def _with_variables(text: str, env: dict[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda found: env.get(found[1], ""), text)


def _copy(instruction: Instruction, root: Path, workdir: str, roots: dict[str, Path]) -> None:
    *sources, target = instruction.parts
    place = root / Path(workdir, target).as_posix().lstrip("/")
    for source in sources:
        if (stage := instruction.flags.get("from")) is not None:
            shutil.copytree(roots[stage] / source.lstrip("/"), place, symlinks=True, dirs_exist_ok=True)
        elif (ROOT / source).is_dir():
            _copy_tracked(ROOT / source, place)
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, place)


def _copy_tracked(source: Path, place: Path) -> None:
    """What .dockerignore lets through of a folder: the project's files, without what Python left there."""
    for path in project_files():
        if path.is_relative_to(source):
            target = place / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def _run(command: str, root: Path, workdir: str, env: dict[str, str]) -> None:
    """One RUN, as root, with this machine's way to the network."""
    lent = [name for name in _NETWORK if Path("/etc", name).exists()]
    for name in lent:
        place = root / "etc" / name
        if Path("/etc", name).is_dir():
            place.mkdir(exist_ok=True)
        elif not place.exists():
            place.touch()
    network = {
        name: text
        for name, text in os.environ.items()
        if re.match(r"(?i)pip_(cert|index|time)|.*_proxy$", name)
    }
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-euc", f"{_PREPARE}; {_ENTER}"],
        env={
            **network,
            **env,
            "ROOT_FOLDER": str(root),
            "LENT": " ".join(lent),
            "AT": workdir,
            "COMMAND": command,
        },
        capture_output=True,
        text=True,
        timeout=BUILD_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, f"RUN {command}\n{done.stdout}{done.stderr}"
