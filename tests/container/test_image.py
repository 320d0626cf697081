"""The Dockerfile, carried out in a bare root, gives a gateway that starts, is healthy and stops.

No engine is asked: the same instructions run in namespaces of the kernel, as an engine runs them.
"""

import os
import signal
from pathlib import Path

import pytest

from tests.container.builder import Image
from tests.container.running import Container, Start, run_to_end

OLD_HEALTH_CHECK = (
    "import requests; "
    "exit(0) if requests.get('http://localhost:{port}/health').status_code == 200 else exit(1)"
)
"""As gemini-balance's compose files have it, but for the port."""
QUIET = (
    ("API_KEYS", "key-in-a-container"),
    ("AUTH_TOKEN", "sk-container"),
    ("BASE_URL", "http://127.0.0.1:9/v1beta"),
)

pytestmark = pytest.mark.timeout(400)  # the first one builds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What Docker makes for `-v ./data:/app/data` when there is no such folder: root's, on the host."""
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    return data


def test_a_folder_of_roots_with_an_old_database_is_used_by_a_user_who_is_not_root(
    image: Image, folder: Path
) -> None:
    (folder / "default_db").touch(mode=0o644)

    with Container(image, Start(data=folder, settings=QUIET)) as container:
        assert container.get("/health")[0] == 200
        assert container.health_status() == "healthy"
        assert (
            container.execute(["python", "-c", OLD_HEALTH_CHECK.format(port=container.port)]).returncode == 0
        )
        assert {user for user, _ in container.processes().values()} == {1000}
        assert {path.stat().st_uid for path in (folder, *folder.iterdir())} == {1000}
        assert container.stop() == 0
        assert container.events("stopped")


def test_templates_are_compiled_where_the_gateway_may_not_write(image: Image, folder: Path) -> None:
    load_all = "from jinja2 import Environment; Environment.compile = None; "
    load_all += "from admin.rendering import compile_all; compile_all()"

    with Container(image, Start(data=folder, settings=QUIET)) as container:
        assert container.execute(["python", "-c", load_all]).returncode == 0


def test_a_folder_of_somebody_stays_theirs_and_the_gateway_runs_as_them(image: Image, folder: Path) -> None:
    os.chown(folder, 1234, 1235)
    (folder / "default_db").touch()  # left by an older container, as root

    with Container(image, Start(data=folder, settings=QUIET)) as container:
        assert {user for user, _ in container.processes().values()} == {1234}
        assert container.stop() == 0

    assert {(path.stat().st_uid, path.stat().st_gid) for path in (folder, *folder.iterdir())} == {
        (1234, 1235)
    }


def test_the_root_file_system_may_be_read_only_with_several_workers(image: Image, folder: Path) -> None:
    os.chown(folder, 1000, 1000)
    start = Start(
        data=folder, user="1000:1000", read_only=True, tmp_size="16m", settings=(*QUIET, ("WORKERS", "2"))
    )

    with Container(image, start) as container:
        container.wait_event("serving", 2)
        before = container.processes()
        os.kill(max(before), signal.SIGKILL)
        container.wait_event("worker_started", 3)
        after = container.processes()

        assert container.execute(["touch", "/app/anywhere"]).returncode != 0
        assert container.get("/metrics", "sk-container")[0] == 200
        assert len(after) == 3
        assert {state for _, state in after.values()} <= {"S", "R"}, "PID 1 leaves no dead child behind"
        assert container.stop() == 0


def test_a_host_may_choose_any_user(image: Image, folder: Path) -> None:
    """Of group 0, as Docker and OpenShift give it, who may write to the image's data folder alone."""
    made = (image.root / "app/data").stat()
    os.chown(folder, made.st_uid, made.st_gid)  # as a volume that was empty takes it over
    folder.chmod(made.st_mode)

    with Container(image, Start(data=folder, user="54321:0", settings=QUIET)) as container:
        assert {user for user, _ in container.processes().values()} == {54321}
        assert (folder / "default_db").exists()
        assert container.health_status() == "healthy"
        os.kill(container.pid, signal.SIGSTOP)
        assert container.health_status() == "unhealthy"
        os.kill(container.pid, signal.SIGCONT)
        assert container.stop() == 0


def test_a_user_who_may_not_write_the_folder_is_told_so(image: Image, folder: Path) -> None:
    ended = run_to_end(image, Start(data=folder, user="1000:1000", settings=QUIET))

    assert ended.returncode == 1
    assert "data cannot be written (Permission denied) by user 1000" in ended.stdout
    assert "Traceback" not in ended.stdout


def test_other_commands_stand_behind_the_images_name(image: Image, folder: Path) -> None:
    ended = run_to_end(image, Start(data=folder, arguments=("version",)))

    assert (ended.returncode, ended.stdout.count("\n")) == (0, 1)


def test_the_image_holds_what_it_needs_and_no_more(image: Image) -> None:
    inside = {path.name for path in (image.root / "app").iterdir()}

    assert inside == {"LICENSE", "gateway", "admin", "static", "templates", "deploy", "data"}
    assert _megabytes(image.root / "app", image.root / "opt") < 100
    assert [path for path in (image.root / "opt").rglob("*") if path.name in ("pip", "gcc", "cc")] == []


def _megabytes(*folders: Path) -> float:
    return sum(path.lstat().st_size for folder in folders for path in folder.rglob("*")) / 1e6
