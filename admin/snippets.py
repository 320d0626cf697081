"""A call as people write it: in a shell, with the OpenAI SDK, with Google's. Pure: text in, text out.

Every value is written as a literal of its language, so that no prompt, model or address can break out of it.
"""

import shlex
from dataclasses import dataclass

import orjson

from admin.trial import Trial


@dataclass(frozen=True, slots=True)
class Snippet:
    """One way to make the call."""

    id: str
    label: str
    code: str


def snippets_of(trial: Trial, origin: str, token: str) -> tuple[Snippet, ...]:
    """The call in every language there is for its dialect."""
    shell = Snippet("curl", "curl", curl(trial, origin, token))
    if trial.dialect == "openai":
        return (
            shell,
            Snippet("python", "Python · openai", python_openai(trial, origin, token)),
            Snippet("javascript", "JavaScript · openai", javascript_openai(trial, origin, token)),
        )
    return (
        shell,
        Snippet("python", "Python · google-genai", python_google(trial, origin, token)),
        Snippet("javascript", "JavaScript · @google/genai", javascript_google(trial, origin, token)),
    )


def curl(trial: Trial, origin: str, token: str) -> str:
    flags = "-N " if trial.stream else ""
    return (
        f"curl {flags}{shlex.quote(origin + trial.path)} \\\n"
        f"  -H {shlex.quote(f'Authorization: Bearer {token}')} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(orjson.dumps(trial.body).decode())}\n"
    )


def python_openai(trial: Trial, origin: str, token: str) -> str:
    messages = "".join(f"        {_python(message)},\n" for message in trial.body["messages"])
    head = (
        "from openai import OpenAI\n\n"
        "client = OpenAI(\n"
        f"    api_key={_python(token)},\n"
        f"    base_url={_python(f'{origin}/v1')},\n"
        ")\n"
        f"{'stream' if trial.stream else 'answer'} = client.chat.completions.create(\n"
        f"    model={_python(trial.model)},\n"
        f"    messages=[\n{messages}    ],\n"
    )
    if not trial.stream:
        return f"{head})\nprint(answer.choices[0].message.content)\n"
    return (
        f"{head}    stream=True,\n)\n"
        "for chunk in stream:\n"
        "    if chunk.choices:\n"
        '        print(chunk.choices[0].delta.content or "", end="")\n'
    )


def javascript_openai(trial: Trial, origin: str, token: str) -> str:
    messages = "".join(f"    {_javascript(message)},\n" for message in trial.body["messages"])
    head = (
        'import OpenAI from "openai";\n\n'
        "const client = new OpenAI({\n"
        f"  apiKey: {_javascript(token)},\n"
        f"  baseURL: {_javascript(f'{origin}/v1')},\n"
        "});\n"
        f"const {'stream' if trial.stream else 'answer'} = await client.chat.completions.create({{\n"
        f"  model: {_javascript(trial.model)},\n"
        f"  messages: [\n{messages}  ],\n"
    )
    if not trial.stream:
        return f"{head}}});\nconsole.log(answer.choices[0].message.content);\n"
    return (
        f"{head}  stream: true,\n}});\n"
        "for await (const chunk of stream) {\n"
        '  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");\n'
        "}\n"
    )


def python_google(trial: Trial, origin: str, token: str) -> str:
    config = (
        f"    config=types.GenerateContentConfig(system_instruction={_python(trial.system)}),\n"
        if trial.system
        else ""
    )
    head = (
        "from google import genai\n"
        "from google.genai import types\n\n"
        "client = genai.Client(\n"
        f"    api_key={_python(token)},\n"
        f"    http_options=types.HttpOptions(\n        base_url={_python(f'{origin}/gemini')},\n    ),\n"
        ")\n"
    )
    call = f"    model={_python(trial.model)},\n    contents={_python(trial.prompt)},\n{config})"
    if not trial.stream:
        return f"{head}answer = client.models.generate_content(\n{call}\nprint(answer.text)\n"
    return (
        f"{head}stream = client.models.generate_content_stream(\n{call}\n"
        'for chunk in stream:\n    print(chunk.text or "", end="")\n'
    )


def javascript_google(trial: Trial, origin: str, token: str) -> str:
    config = f"  config: {{ systemInstruction: {_javascript(trial.system)} }},\n" if trial.system else ""
    verb = "generateContentStream" if trial.stream else "generateContent"
    head = (
        'import { GoogleGenAI } from "@google/genai";\n\n'
        "const client = new GoogleGenAI({\n"
        f"  apiKey: {_javascript(token)},\n"
        f"  httpOptions: {{ baseUrl: {_javascript(f'{origin}/gemini')} }},\n"
        "});\n"
        f"const {'stream' if trial.stream else 'answer'} = await client.models.{verb}({{\n"
        f"  model: {_javascript(trial.model)},\n"
        f"  contents: {_javascript(trial.prompt)},\n{config}}});\n"
    )
    if not trial.stream:
        return f"{head}console.log(answer.text);\n"
    return f'{head}for await (const chunk of stream) {{\n  process.stdout.write(chunk.text ?? "");\n}}\n'


def _python(value: object) -> str:
    """A literal; JSON's, whose strings and lists are Python's too."""
    return orjson.dumps(value).decode()


def _javascript(value: object) -> str:
    return orjson.dumps(value).decode()
