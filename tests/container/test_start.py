"""The image's entry point and health check by themselves: whose folder, what is given, which port."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from deploy.container import healthy
from deploy.container.start import GATEWAY, User, give, owner_of

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")


@as_root
def test_a_folder_of_roots_is_for_the_images_own_user(tmp_path: Path) -> None:
    assert owner_of(tmp_path) == GATEWAY
    assert owner_of(tmp_path / "missing") == GATEWAY


@as_root
def test_a_folder_of_somebody_is_for_them(tmp_path: Path) -> None:
    os.chown(tmp_path, 1234, 5678)

    assert owner_of(tmp_path) == User(uid=1234, gid=5678)


@as_root
def test_only_what_belongs_to_root_is_given_and_no_link_is_followed(tmp_path: Path) -> None:
    data, outside = tmp_path / "data", tmp_path / "outside"
    (data / "below").mkdir(parents=True)
    outside.mkdir()
    (outside / "roots").touch()
    (data / "below" / "roots").touch()
    (data / "theirs").touch()
    (data / "link").symlink_to(outside)
    os.chown(data / "theirs", 77, 77)

    give(data, User(uid=1234, gid=5678))

    owners = {
        str(path.relative_to(tmp_path)): path.lstat().st_uid
        for path in (data, *data.rglob("*"), *outside.rglob("*"))
    }
    assert owners == {
        "data": 1234,
        "data/below": 1234,
        "data/below/roots": 1234,
        "data/theirs": 77,
        "data/link": 1234,
        "outside/roots": 0,
    }


@pytest.mark.parametrize(
    ("environ", "env_file", "expected"),
    [
        ({}, None, 8000),
        ({"PORT": "10000"}, "PORT=9000\n", 10000),
        ({"PORT": ""}, "API_KEYS=a\nexport port = '9000'  # a word\n", 9000),
        ({}, "PORT=9000\nPORT=9001\n", 9001),
        ({}, "MYSQL_PORT=3307\n#PORT=1\n", 8000),
    ],
)
def test_the_health_check_asks_the_port_that_is_set(
    tmp_path: Path, environ: dict[str, str], env_file: str | None, expected: int
) -> None:
    place = tmp_path / ".env"
    if env_file is not None:
        place.write_text(env_file)

    assert healthy.port(environ, place) == expected


@pytest.fixture
def answers() -> Iterator[tuple[HTTPServer, list[int]]]:
    """A server on a free port that gives the last status of a list."""
    statuses = [200]

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses[-1])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server, statuses
        server.shutdown()
        thread.join()


def test_only_200_is_healthy(
    answers: tuple[HTTPServer, list[int]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server, statuses = answers
    monkeypatch.setenv("PORT", str(server.server_port))

    assert healthy.main() == 0
    statuses.append(503)
    assert healthy.main() == 1
    server.server_close()
    monkeypatch.setattr(healthy, "ANSWER_WITHIN_S", 0.2)
    assert healthy.main() == 1
    assert "not healthy" in capsys.readouterr().out
