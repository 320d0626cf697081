"""A bare root to carry out the Dockerfile in: Debian's packages unpacked, and nothing of this machine.

No container engine runs here. What the base image gives is made of Debian 12's own packages: its C library,
shell, file tools and Python 3.11, with pip. They are downloaded by apt and unpacked by dpkg-deb, once.
"""

import hashlib
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.house.source import ROOT

PACKAGES = """
    base-files base-passwd coreutils dash debianutils findutils libacl1 libattr1 libaudit1 libbz2-1.0 libc6
    libcap-ng0 libcrypt1 libdb5.3 libexpat1 libffi8 libgcc-s1 libgmp10 liblzma5 libncursesw6 libnsl2 libpam0g
    libpcre2-8-0 libpython3.11-minimal libpython3.11-stdlib libreadline8 libselinux1 libsemanage2 libsepol2
    libsqlite3-0 libssl3 libtinfo6 libtirpc3 libuuid1 media-types passwd python3-pip-whl python3.11
    python3.11-minimal zlib1g
""".split()
"""Less than the slim image has: what is missing here and needed shows up."""

CACHE = ROOT / "build" / "container"
ROOT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def bare_root() -> Path:
    """The unpacked root, kept in CACHE from one run to the next. It must not be changed: copy it."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None or shutil.which("unshare") is None:
        pytest.skip("a bare root is made by root, on Debian, in a mount namespace")
    name = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12]
    root = CACHE / f"root-{name}"
    if not (root / "ready").exists():
        for old in CACHE.glob("root-*"):
            shutil.rmtree(old)
        debs = CACHE / "debs"
        shutil.rmtree(debs, ignore_errors=True)
        debs.mkdir()
        if not _download(debs):
            pytest.skip("apt has not Debian 12's packages")
        for deb in sorted(debs.glob("*.deb")):
            subprocess.run(["dpkg-deb", "--extract", deb, root], check=True)
        _configure(root)
        shutil.rmtree(debs)
        (root / "ready").touch()
    return root


def _download(folder: Path) -> bool:
    command = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *PACKAGES]
    if subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0:
        return True
    subprocess.run(["apt-get", "update", "-qq"], check=False, capture_output=True)
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def _configure(root: Path) -> None:
    """What the packages' own scripts would have done, as far as the base image's users see it."""
    master = root / "usr/share/base-passwd"
    shutil.copy(master / "passwd.master", root / "etc/passwd")
    shutil.copy(master / "group.master", root / "etc/group")
    (root / "etc/hosts").write_text("127.0.0.1\tlocalhost\n")  # an engine writes it
    if not (root / "bin/sh").exists():
        (root / "bin/sh").symlink_to("dash")
    (root / "usr/local/bin").mkdir(parents=True, exist_ok=True)
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3.11")
    (pip,) = (root / "usr/share/python-wheels").glob("pip-*.whl")
    packages = root / "usr/local/lib/python3.11/dist-packages"
    packages.mkdir(parents=True)
    with zipfile.ZipFile(pip) as wheel:
        wheel.extractall(packages)
    (root / "tmp").chmod(0o1777)
