"""Keys in tables and JSON of several programs."""

import orjson
import pytest

from admin.api.exports import KEY_COLUMNS, keys_part
from gateway.control.key_edits import NewKeys
from gateway.control.key_files import KeyFile, read_key_file
from gateway.store.records import KeyRow
from tests.control.gateways import fake_key

ONE, TWO, THREE = fake_key(1), fake_key(2), fake_key(3)
EXPRESS = "AQ.Ab8RN6-test-0123456789"


def read(text: str, **given: object) -> KeyFile:
    found = read_key_file(text, NewKeys(**given))  # type: ignore[arg-type]
    assert found is not None
    return found


def secrets(text: str) -> list[str]:
    return [secret for _, some in read(text).groups for secret in some]


def test_channels_of_one_api_bring_the_keys_of_gemini_alone() -> None:
    channels = [
        {"id": 1, "type": 24, "key": f"{ONE}\n{TWO}\n", "status": 1, "name": "free keys", "group": "default"},
        {"id": 2, "type": 24, "key": THREE, "status": 3, "name": "off", "group": "default,vip", "weight": 5},
        {"id": 3, "type": 1, "key": "sk-openai", "status": 1, "name": "openai"},
        {"id": 4, "type": 41, "key": EXPRESS, "status": 1, "name": "vertex", "tag": "paid"},
        {"id": 5, "type": 41, "key": '{"type": "service_account"}', "status": 1, "name": "account"},
    ]

    found = read(orjson.dumps({"success": True, "data": {"items": channels}}).decode())

    assert found.groups == (
        (NewKeys(note="free keys"), (ONE, TWO)),
        (NewKeys(note="off", tags=("vip",), weight=5, enabled=False), (THREE,)),
        (NewKeys(provider="vertex", note="vertex", tags=("paid",)), (EXPRESS,)),
    )
    assert found.others == 2


def test_a_dump_of_the_channels_table_has_lines_inside_its_cells() -> None:
    table = f'id,type,key,status,name\n1,24,"{ONE}\n{TWO}",1,free\n2,1,sk-openai,1,other\n'

    found = read(table)

    assert found.groups == ((NewKeys(note="free"), (ONE, TWO)),)
    assert found.others == 1


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_our_own_exports_come_back_with_all_they_say(form: str) -> None:
    rows = [
        KeyRow(
            ONE, "AIza…1", note="=1+1", tags=("free", "old"), weight=3, project="projects/7", enabled=False
        ),
        KeyRow(EXPRESS, "AQ.A…9", provider="vertex"),
    ]

    head = ",".join(KEY_COLUMNS) + "\r\n" if form == "csv" else ""

    found = read(head + keys_part(form, rows))

    assert found.groups == (
        (
            NewKeys(note="=1+1", tags=("free", "old"), weight=3, project="projects/7", enabled=False),
            (ONE,),
        ),
        (NewKeys(provider="vertex"), (EXPRESS,)),
    )


@pytest.mark.parametrize(
    "text",
    [
        f'["{ONE}", "{TWO}"]',
        f'{{"keys": ["{ONE}", "{TWO}"]}}',
        f'{{"data": {{"items": [{{"key_value": "{ONE}", "status": "active"}}, {{"key_value": "{TWO}"}}]}}}}',
        f'{{"key": "{ONE}"}}\n{{"key": "{TWO}"}}\n',
        f"name;api_key\na;{ONE}\nb;{TWO}\n",
        f'[{{"type": 24, "key": "[\\"{ONE}\\", \\"{TWO}\\"]"}}]',
        f'[{{"type": "gemini", "key": "{ONE},{TWO}"}}, {{"type": "openai", "key": "sk-x"}}]',
    ],
)
def test_keys_are_found_in_every_form(text: str) -> None:
    assert secrets(text) == [ONE, TWO]


@pytest.mark.parametrize(
    "text", ["", f"{ONE}\n{TWO}\n", f"API_KEYS={ONE},{TWO}", "[not json", "{}", "a,b\n1,2\n"]
)
def test_a_plain_text_is_not_taken_for_a_table(text: str) -> None:
    assert read_key_file(text, NewKeys()) is None


def test_what_was_given_counts_beside_what_the_rows_say() -> None:
    found = read(f'[{{"key": "{ONE}", "name": "theirs", "tags": ["a"]}}]', tags=("mine",), note="ours")

    assert found.groups == ((NewKeys(note="ours", tags=("mine", "a")), (ONE,)),)
