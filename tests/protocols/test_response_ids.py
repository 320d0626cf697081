"""An item's id leads back to the response it stands in."""

import pytest

from gateway.protocols.response_ids import input_item_id, output_item_id, response_of_item

RESPONSE = "resp_0123456789abcdef01234567"


def test_items_are_named_after_their_kind_their_response_and_their_place() -> None:
    assert output_item_id("msg", RESPONSE, 0) == "msg_0123456789abcdef01234567_0"
    assert input_item_id("fco", RESPONSE, 12) == "fco_0123456789abcdef01234567_i12"


@pytest.mark.parametrize("prefix", ["msg", "rs", "fc", "ctc", "ws", "ig", "fco"])
@pytest.mark.parametrize("response", [RESPONSE, "resp_the-callers.own:id"])
def test_an_item_names_its_response(prefix: str, response: str) -> None:
    assert response_of_item(output_item_id(prefix, response, 3)) == response
    assert response_of_item(input_item_id(prefix, response, 3)) == response


@pytest.mark.parametrize(
    "item_id",
    [
        "",
        "msg",
        "msg_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
        "msg_0123456789abcdef01234567_",
        "msg_0123456789abcdef01234567_x1",
        "_0123456789abcdef01234567_1",
        "msg__1",
        "msg_a b_1",
        "msg_a/b_1",
        "msg_0123456789abcdef01234567_1\n",
        "msg_0123456789abcdef01234567_1234567",
        f"msg_{'a' * 129}_1",
    ],
)
def test_an_id_that_is_not_ours_names_none(item_id: str) -> None:
    assert response_of_item(item_id) is None
