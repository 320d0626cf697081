"""What lives in one Google project, by Google's SDK for JavaScript over keys of several projects."""

import pytest

from tests.integration.running import RunningGateway
from tests.sdk.clients import NO_MODEL
from tests.sdk.flows import Flows, run_javascript

QUESTION = "What is a gateway?"


@pytest.fixture(scope="module")
def objects(house: RunningGateway) -> Flows:
    return run_javascript("google_objects", house.url)


def test_a_file_is_uploaded_used_listed_and_deleted(objects: Flows) -> None:
    file = objects["file"]

    assert all("What is in this file?" in answer for answer in file["answers"])
    assert (file["size"], file["displayName"], file["state"]) == ("5", "notes", "ACTIVE")
    assert file["isListed"]
    assert file["afterwards"]["status"] in (403, 404)


def test_a_long_file_comes_in_many_chunks(objects: Flows) -> None:
    assert objects["fileOfManyChunks"] == "9600000"


def test_files_are_uploaded_by_every_base_address(objects: Flows) -> None:
    assert len(objects["fileOnEveryBase"]) == 10
    assert set(objects["fileOnEveryBase"].values()) == {"5"}


def test_a_cache_is_made_used_prolonged_and_deleted(objects: Flows) -> None:
    cache = objects["cache"]

    assert all(QUESTION in answer for answer in cache["answers"])
    assert cache["isLater"]
    assert cache["isListed"]
    assert cache["afterwards"]["status"] in (403, 404)


def test_batches_of_requests_and_of_files_are_done(objects: Flows) -> None:
    batch = objects["batch"]

    assert (batch["begun"], batch["state"]) == ("JOB_STATE_PENDING", "JOB_STATE_SUCCEEDED")
    assert batch["isListed"]
    assert ["one" in batch["answers"][0], "two" in batch["answers"][1]] == [True, True]
    assert objects["batchOfFile"] == "a"
    assert objects["cancelledBatch"] == "JOB_STATE_CANCELLED"


def test_a_document_goes_into_a_store(objects: Flows) -> None:
    assert objects["store"] == {"isDone": True, "documents": 1, "isListed": True}


def test_interactions_go_on_where_they_began(objects: Flows) -> None:
    interaction = objects["interaction"]

    assert interaction["status"] == "completed"
    assert QUESTION in interaction["text"]
    assert len(interaction["answers"]) == 4
    assert all("And then?" in answer for answer in interaction["answers"])
    assert interaction["found"]


def test_an_interaction_streams(objects: Flows) -> None:
    streamed = objects["streamedInteraction"]

    assert streamed["kinds"] == [
        "interaction.created",
        "step.start",
        "step.delta",
        "step.stop",
        "interaction.completed",
    ]
    assert QUESTION in streamed["text"]


def test_a_token_for_live_sessions_is_made(objects: Flows) -> None:
    assert objects["liveToken"].startswith("auth_tokens/")


def test_what_is_not_there_is_told_in_the_api_s_own_words(objects: Flows) -> None:
    errors = objects["errors"]

    assert errors["file"]["status"] in (403, 404)
    assert "nobody-s" in errors["file"]["message"]
    assert (errors["interaction"]["name"], errors["interaction"]["status"]) == ("NotFoundError", 404)
    assert NO_MODEL in errors["interaction"]["message"]
