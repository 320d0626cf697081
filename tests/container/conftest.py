"""The image, built once for all tests that run it and for as long as nothing in it changes."""

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.container.bare_root import CACHE, bare_root
from tests.container.builder import Image, build, image_of
from tests.container.dockerfile import DOCKERFILE, stages
from tests.house.source import ROOT, project_files


@pytest.fixture(scope="session")
def image() -> Image:
    """What the Dockerfile gives in a bare root. Tests run in several processes: one of them builds."""
    with _alone():
        bare = bare_root()
        folder = CACHE / f"image-{_fingerprint(bare)}"
        if not (folder / "ready").exists():
            for old in CACHE.glob("image-*"):
                shutil.rmtree(old)
            folder.mkdir()
            build(stages(), bare, folder)
            (folder / "ready").touch()
        return image_of(stages(), folder)


@contextmanager
def _alone() -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with Path(CACHE, "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fingerprint(bare: Path) -> str:
    """Of everything that a build reads."""
    digest = hashlib.sha256(bare.name.encode() + DOCKERFILE.read_bytes())
    sources = [
        ROOT / name
        for stage in stages()
        for each in stage.all("COPY")
        if not each.flags
        for name in each.parts[:-1]
    ]
    for path in project_files():
        if any(path.is_relative_to(source) for source in sources):
            digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()[:12]
