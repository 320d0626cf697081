"""What is changed after a refusal, what is remembered of it, and for how long."""

import orjson
import pytest

from gateway.protocols.failures import Failure, FailureKind, Repair
from gateway.protocols.openai_request import encode_body
from gateway.protocols.request_repairs import NOTHING_LEARNED, Lessons
from gateway.protocols.shapes import GenerateContentRequest, JsonObject
from gateway.relay.lessons import LessonBook
from gateway.relay.mending import AdditionsMending, RequestMending
from gateway.relay.signature_store import SignatureStore

MODEL = "gemini-3.5-flash"


def refused(repair: Repair | None) -> Failure:
    return Failure(FailureKind.CLIENT_ERROR, 400, repair=repair)


def a_request() -> GenerateContentRequest:
    return {
        "contents": [{"role": "user", "parts": [{"text": "x"}]}],
        "systemInstruction": {"parts": [{"text": "s"}]},
        "generationConfig": {"thinkingConfig": {"thinkingLevel": "MINIMAL"}},
    }


def mending(book: LessonBook, *, bare: GenerateContentRequest | None = None) -> RequestMending:
    request = a_request()
    if bare is not None:
        request["safetySettings"] = [{"category": "c", "threshold": "t"}]
    return RequestMending(
        request,
        bare=request if bare is None else bare,
        model=MODEL,
        book=book,
        wall_s=lambda: 0.0,
        encode=encode_body,
    )


def level(body: bytes | None) -> object:
    assert body is not None
    sent: JsonObject = orjson.loads(body)
    return sent["generationConfig"]["thinkingConfig"]["thinkingLevel"]


def test_a_level_is_changed_again_while_it_is_refused() -> None:
    changing = mending(LessonBook())

    tried = [level(changing.mend(refused(Repair.THINKING_LEVEL))) for _ in range(3)]

    assert tried == ["LOW", "MEDIUM", "HIGH"]


def test_several_things_may_be_changed_in_one_call() -> None:
    changing = mending(LessonBook())

    changing.mend(refused(Repair.THINKING_LEVEL))
    body = changing.mend(refused(Repair.SYSTEM_INSTRUCTION))

    assert level(body) == "LOW"
    assert b"systemInstruction" not in (body or b"")


def test_what_worked_is_done_before_the_next_call_is_sent() -> None:
    book = LessonBook()
    first = mending(book)
    first.mend(refused(Repair.THINKING_LEVEL))
    first.worked()

    assert level(mending(book).body()) == "LOW"


def test_what_did_not_work_teaches_nothing() -> None:
    book = LessonBook()
    mending(book).mend(refused(Repair.THINKING_LEVEL))

    assert level(mending(book).body()) == "MINIMAL"


def test_what_cannot_be_changed_is_left() -> None:
    changing = mending(LessonBook())

    assert changing.mend(refused(Repair.SCHEMA)) is None
    assert changing.mend(refused(None)) is None


def test_what_the_operator_added_is_taken_out_first_and_not_added_again() -> None:
    book = LessonBook()
    changing = mending(book, bare=a_request())
    assert b"safetySettings" in changing.body()

    assert b"safetySettings" not in (changing.mend(refused(Repair.SAFETY)) or b"safetySettings")
    assert changing.mend(refused(Repair.SAFETY)) is None

    changing.worked()
    assert b"safetySettings" not in mending(book, bare=a_request()).body()


def test_what_was_changed_before_is_not_taken_for_the_operators() -> None:
    schema = {"type": ["string", "null"]}
    request = a_request()
    request["tools"] = [
        {"functionDeclarations": [{"name": "f", "parametersJsonSchema": schema}]},
        {"googleSearch": {}},
    ]
    book = LessonBook()
    changing = RequestMending(
        request, bare=request, model=MODEL, book=book, wall_s=lambda: 0.0, encode=encode_body
    )

    changing.mend(refused(Repair.SCHEMA))
    body = orjson.loads(changing.mend(refused(Repair.TOOLS)) or b"")

    parameters = {"type": "STRING", "nullable": True}
    assert body["tools"] == [{"functionDeclarations": [{"name": "f", "parameters": parameters}]}]
    assert changing.mend(refused(Repair.TOOLS)) is None


def test_a_native_body_loses_only_what_was_added_and_only_once() -> None:
    book = LessonBook()
    changing = AdditionsMending(b"bare", model=MODEL, book=book, wall_s=lambda: 0.0)

    assert changing.mend(refused(None)) is None
    assert changing.mend(refused(Repair.THINKING)) == b"bare"
    assert changing.mend(refused(Repair.THINKING)) is None

    changing.worked()
    assert book.of(MODEL, 0.0).additions


def test_lessons_add_up_and_are_forgotten_after_a_day() -> None:
    book = LessonBook(max_age_s=100)
    book.learn(MODEL, Lessons(repairs=frozenset({Repair.SEED})), 0)
    book.learn(MODEL, Lessons(levels=frozenset({"LOW"})), 50)

    assert book.of(MODEL, 150) == Lessons(repairs=frozenset({Repair.SEED}), levels=frozenset({"LOW"}))
    assert book.of(MODEL, 151) == NOTHING_LEARNED
    assert book.of("another", 50) == NOTHING_LEARNED


def test_a_full_book_forgets_the_model_learned_of_first() -> None:
    book = LessonBook(max_models=2)
    for number in range(3):
        book.learn(f"model-{number}", Lessons(additions=frozenset({Repair.TOOLS})), number)

    assert [bool(book.of(f"model-{number}", 3).additions) for number in range(3)] == [False, True, True]


@pytest.mark.parametrize("limits", [{"max_entries": 2}, {"max_chars": 20}])
def test_a_full_store_of_signatures_forgets_the_first(limits: dict[str, int]) -> None:
    store = SignatureStore(**limits)
    for number in range(3):
        store.note(f"call-{number}", "s" * 10)
    store.note("call-2", "t" * 10)

    assert [store.find(f"call-{number}") for number in range(3)] == [None, "s" * 10, "t" * 10]
    assert len(store) == 2
