"""OpenAI's SDK for JavaScript with files and batches, which are Gemini's."""

import pytest

from tests.integration.running import RunningGateway
from tests.sdk.clients import MODEL
from tests.sdk.flows import Flows, run_javascript

QUESTION = "What is a gateway?"


@pytest.fixture(scope="module")
def files(house: RunningGateway) -> Flows:
    return run_javascript("openai_files", house.url)


def test_a_file_is_uploaded_shown_used_and_deleted(files: Flows) -> None:
    flow = files["file"]
    made = flow["made"]

    assert (made["object"], made["filename"], made["bytes"], made["status"]) == (
        "file",
        "notes.txt",
        6,
        "processed",
    )
    assert flow["same"]
    assert made["id"] in flow["listed"]
    assert QUESTION in flow["answer"]
    assert flow["deleted"] == {"id": made["id"], "object": "file", "deleted": True}
    assert (flow["afterwards"]["name"], flow["afterwards"]["status"]) == ("NotFoundError", 404)


def test_a_large_file_arrives_whole(files: Flows) -> None:
    assert files["large"] == {"bytes": 20_000_000, "purpose": "vision"}


def test_a_batch_from_its_lines_to_its_results(files: Flows) -> None:
    flow = files["batch"]

    assert (flow["made"]["status"], flow["made"]["metadata"]) == ("validating", {"title": "nightly"})
    assert (flow["done"]["status"], flow["done"]["model"]) == ("completed", MODEL)
    assert flow["done"]["request_counts"] == {"total": 2, "completed": 1, "failed": 1}
    assert flow["made"]["id"] in flow["listed"]
    assert [each["custom_id"] for each in flow["answers"]] == ["1"]
    assert QUESTION in flow["answers"][0]["response"]["body"]["choices"][0]["message"]["content"]
    assert [(each["custom_id"], each["response"]["status_code"]) for each in flow["errors"]] == [("2", 400)]


def test_a_bad_line_is_named(files: Flows) -> None:
    refused = files["badLine"]

    assert refused["status"] == 400
    assert "Line 2 of the batch file" in refused["message"]
