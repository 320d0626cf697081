"""`make demo`: anyone sees it work, without a key, without touching a real installation."""

from pathlib import Path

import orjson

from gateway.demo import ADMIN_TOKEN, TOKEN
from tests.run_contract.child import Child, assert_clean


def test_the_demo_answers_streams_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("API_KEYS=a-real-key-that-must-not-be-used\nPORT=1\n")
    body = {"model": "gemini-3.8-flash", "messages": [{"role": "user", "content": "Hello"}]}

    with Child(tmp_path, "demo") as demo:
        answer = demo.ask("POST", "/v1/chat/completions", token=TOKEN, body=orjson.dumps(body))
        connection, response = demo.stream(token=TOKEN)
        streamed = response.read()
        connection.close()
        health = demo.get("/health").json
        metrics = demo.get("/metrics", token=ADMIN_TOKEN)
        code = demo.stop()

    assert answer.json["choices"][0]["message"]["content"]
    assert streamed.endswith(b"data: [DONE]\n\n")
    assert sum(health["keys"].values()) == 9
    assert metrics.status == 200
    assert code == 0
    assert f"{demo.url}/v1/chat/completions" in demo.output, "it says what to try"
    assert [path.name for path in tmp_path.iterdir()] == [".env"]
    assert_clean(demo.output, "a-real-key")
