"""What google-generativeai 0.8 makes of the gateway over REST: run by .venv-old's interpreter, prints JSON.

    python google_generativeai_flows.py GATEWAY_URL TOKEN MODEL

Its streams are JSON arrays, asked for with `$alt=json;enum-encoding=int`: no other client has that form.
"""

import importlib
import json
import sys
from typing import Any

# By name, because they live in .venv-old only, where no checker looks.
genai: Any = importlib.import_module("google.generativeai")
exceptions: Any = importlib.import_module("google.api_core.exceptions")

QUESTION = "What is a gateway?"


def get_weather(city: str) -> str:
    """Tells the weather in a city."""
    return f"blue sky over {city}"


def main(url: str, token: str, model_name: str) -> None:
    found: dict[str, Any] = {"version": genai.__version__}
    genai.configure(api_key=token, transport="rest", client_options={"api_endpoint": url})
    model = genai.GenerativeModel(model_name, system_instruction="Be brief.")

    found["answer"] = model.generate_content(QUESTION).text
    pieces = [chunk.text for chunk in model.generate_content(QUESTION, stream=True) if chunk.parts]
    found["streamed"] = "".join(pieces)
    found["pieces"] = len(pieces)

    limited = model.generate_content(QUESTION, generation_config={"max_output_tokens": 5, "temperature": 0.5})
    found["finish"] = limited.candidates[0].finish_reason.name
    found["count"] = model.count_tokens(QUESTION).total_tokens

    # It knows no signatures and drops them, so its tool loop is for models before Gemini 3.
    before_3 = genai.GenerativeModel("gemini-2.5-flash-lite", tools=[get_weather])
    chat = before_3.start_chat(enable_automatic_function_calling=True)
    try:
        found["after_tool"] = chat.send_message("The weather in Paris?").text
    except Exception as error:  # noqa: BLE001 - whatever its JSON reader says; the other flows still count
        found["after_tool"] = repr(error)

    embedded = genai.embed_content(model="models/gemini-embedding-001", content="one")
    found["embedded"] = len(embedded["embedding"])
    several = genai.embed_content(model="models/gemini-embedding-001", content=["one", "two"])
    found["embedded_several"] = [len(each) for each in several["embedding"]]
    found["models"] = [each.name for each in genai.list_models()]
    found["model"] = genai.get_model(f"models/{model_name}").name

    found["errors"] = {}
    try:
        genai.GenerativeModel("gemini-9-nowhere").generate_content(QUESTION)
    except exceptions.GoogleAPICallError as error:
        found["errors"]["model"] = [type(error).__name__, int(error.code), error.message]
    try:
        list(genai.GenerativeModel("gemini-9-nowhere").generate_content(QUESTION, stream=True))
    except exceptions.GoogleAPICallError as error:
        found["errors"]["streamed"] = [type(error).__name__, int(error.code), error.message]
    genai.configure(api_key="sk-wrong", transport="rest", client_options={"api_endpoint": url})
    try:
        genai.GenerativeModel(model_name).generate_content(QUESTION)
    except exceptions.GoogleAPICallError as error:
        found["errors"]["token"] = [type(error).__name__, int(error.code), error.message]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
