"""A call to try: what an administrator fills in, as the request that a client would send. Pure.

The playground sends it, and the snippets (snippets.py) say the same in other languages.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote

Dialect = Literal["openai", "gemini"]
DIALECTS: tuple[Dialect, ...] = ("openai", "gemini")
MOST_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Trial:
    """One prompt to one model."""

    dialect: Dialect = "openai"
    model: str = ""
    system: str = ""
    prompt: str = ""
    stream: bool = True

    def bounded(self) -> "Trial":
        """The same with texts of a sensible length."""
        return replace(
            self,
            model=self.model[:256].strip(),
            system=self.system[:MOST_CHARS].strip(),
            prompt=self.prompt[:MOST_CHARS],
        )

    @property
    def path(self) -> str:
        """Where it is sent."""
        if self.dialect == "openai":
            return "/v1/chat/completions"
        verb = "streamGenerateContent?alt=sse" if self.stream else "generateContent"
        return f"/gemini/v1beta/models/{quote(self.model, safe='')}:{verb}"

    @property
    def body(self) -> dict[str, Any]:
        """What is sent."""
        if self.dialect == "openai":
            system = [{"role": "system", "content": self.system}] if self.system else []
            body: dict[str, Any] = {
                "model": self.model,
                "messages": [*system, {"role": "user", "content": self.prompt}],
            }
            if self.stream:
                body |= {"stream": True, "stream_options": {"include_usage": True}}
            return body
        instruction = {"systemInstruction": {"parts": [{"text": self.system}]}} if self.system else {}
        return {**instruction, "contents": [{"role": "user", "parts": [{"text": self.prompt}]}]}
