"""What a serving process has resident: idle, while it takes four large requests at once, and afterwards."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fakes.upstream import FakeUpstream
from tests.integration.calling import eventually
from tests.run_contract.child import Child

MB = 1_000_000
TOKEN = "sk-memory"
DATA = b"A" * (20 * MB)
NATIVE = b'{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"%b"}}]}]}'
CHAT = (
    b'{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":'
    b'{"url":"data:image/png;base64,%b"}}]}]}'
)
PATHS = {NATIVE: "/v1beta/models/m:generateContent", CHAT: "/v1/chat/completions"}


def test_an_idle_gateway_fits_into_80_mb(tmp_path: Path) -> None:
    """With a secret of each kind in its environment: their fingerprints take 4 MB for a moment."""
    settings = {"API_KEYS": "a-key", "ALLOWED_TOKENS": TOKEN, "AUTH_TOKEN": "sk-administrator"}

    with Child(tmp_path, settings=settings) as gateway:
        assert gateway.get("/health").status == 200
        assert gateway.memory_bytes() < 80 * MB


@pytest.mark.parametrize("form", PATHS, ids=["native", "chat"])
def test_large_requests_take_little_more_than_their_bytes_and_give_it_back(
    tmp_path: Path, fake_upstream: FakeUpstream, form: bytes
) -> None:
    settings = {"API_KEYS": "a-key", "ALLOWED_TOKENS": TOKEN, "BASE_URL": fake_upstream.url}
    body = form % DATA

    def four_at_once() -> list[int]:
        """All of them are with the upstream before it answers one."""
        gate = fake_upstream.gate()
        fake_upstream.reply({"candidates": [{"content": {"parts": [{"text": "a"}]}}]}, gate=gate, times=4)
        asked = [clients.submit(gateway.ask, "POST", PATHS[form], token=TOKEN, body=body) for _ in range(4)]
        gate.wait_reached(4)
        gate.release()
        return [each.result().status for each in asked]

    with Child(tmp_path, settings=settings) as gateway, ThreadPoolExecutor(4) as clients:
        assert gateway.generate(token="unknown").status == 401
        before = gateway.memory_bytes()

        answers = [four_at_once() for _ in range(3)]

        grown = gateway.peak_memory_bytes() - before
        assert eventually(lambda: gateway.memory_bytes() - before < 40 * MB)

    assert answers == [[200] * 4] * 3
    assert grown < 150 * MB
    assert {len(seen.body) > len(DATA) for seen in fake_upstream.requests} == {True}
