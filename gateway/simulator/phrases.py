"""What the simulated model says, in English and in Chinese: plain, thinking, after a tool, from the web.

Pure: the same seed and question give the same words.
"""

import hashlib
import re
from dataclasses import dataclass

_CJK = re.compile(r"[\u4e00-\u9fff]")
_WORDS = re.compile(r"\S+\s*")
_ECHO_CHARS = 80


@dataclass(frozen=True, slots=True)
class Language:
    """One language's stock of sentences; `{question}` is where the question goes."""

    openings: tuple[str, ...]
    sentences: tuple[str, ...]
    thoughts: tuple[str, ...]
    after_tool: str
    web: str
    space: str


ENGLISH = Language(
    openings=(
        "You asked: “{question}” Here is what a simulated Gemini has to say.",
        "Thank you for “{question}” — a good question for a model that is only simulated.",
        "About “{question}”: no real model was asked, but the bytes are shaped as if one had been.",
    ),
    sentences=(
        "This answer came through the gateway, over one of the keys behind it.",
        "Some of those keys are invalid, leaked or out of quota; you should not have noticed.",
        "The text arrives in several events, with the usage counted up in each of them.",
        "Open the admin page to see which key served the call and which ones are resting.",
        "Ask again, and the next key in the round will answer.",
        "Nothing left this machine, and no quota was harmed.",
        "Put a real key into API_KEYS and the same call reaches the real API.",
    ),
    thoughts=(
        "**Reading the question**\n\nThe user wants to know: {question}",
        "**Weighing the answer**\n\nA short and honest answer will do: this is a simulation.",
    ),
    after_tool="The tool {name} answered {result}. So that is what I would rely on.",
    web="According to the sources I searched for “{question}”, the gateway works as described.",
    space=" ",
)

CHINESE = Language(
    openings=(
        "你问的是：“{question}”。以下是模拟的 Gemini 的回答。",
        "关于“{question}”：没有真正的模型参与，但返回的数据格式与真实接口一致。",
    ),
    sentences=(
        "这个回答经过了网关，由背后的某个密钥完成。",
        "有些密钥无效、泄露或已用完配额，但你不应该察觉到。",
        "文本分成多个事件到达，每个事件都带有累计的用量。",
        "打开管理页面，可以看到是哪个密钥提供了服务，哪些正在休息。",
        "再问一次，就会轮到下一个密钥回答。",
        "把真实的密钥填入 API_KEYS，同样的调用就会到达真正的接口。",
    ),
    thoughts=("**理解问题**\n\n用户想知道：{question}", "**组织回答**\n\n简短而诚实地回答：这是一次模拟。"),
    after_tool="工具 {name} 返回了 {result}，因此可以以此为准。",
    web="根据我搜索“{question}”得到的资料，网关的行为与说明一致。",
    space="",
)


def language_of(question: str) -> Language:
    """Answer in the language that was asked in."""
    return CHINESE if _CJK.search(question) else ENGLISH


def pick(seed: int, *words: object) -> int:
    """Give a large number that depends on the seed and the words only: the simulator's dice."""
    spoken = "\x00".join(map(str, (seed, *words)))
    return int.from_bytes(hashlib.blake2b(spoken.encode(), digest_size=8).digest(), "big")


def echo(question: str) -> str:
    """Shorten a question for quoting."""
    line = " ".join(question.split())
    return line if len(line) <= _ECHO_CHARS else line[:_ECHO_CHARS] + "…"


def plain_answer(seed: int, question: str) -> str:
    """Say an opening and a few sentences."""
    language = language_of(question)
    dice = pick(seed, question)
    opening = language.openings[dice % len(language.openings)].format(question=echo(question))
    first = dice // 7 % len(language.sentences)
    count = 2 + dice // 53 % 3
    rest = [language.sentences[(first + step) % len(language.sentences)] for step in range(count)]
    return language.space.join((opening, *rest))


def thought_pieces(question: str) -> list[str]:
    """Give the summary of thoughts, one piece an event."""
    return [thought.format(question=echo(question)) + "\n\n\n" for thought in language_of(question).thoughts]


def tool_answer(question: str, name: str, result: str) -> str:
    return language_of(question).after_tool.format(name=name, result=result)


def web_answer(question: str) -> str:
    return language_of(question).web.format(question=echo(question))


def pieces_of(text: str) -> list[str]:
    """Cut an answer into what single events carry: the first short, the others longer."""
    words = _WORDS.findall(text) if " " in text else re.findall(r".{1,6}", text, re.DOTALL)
    if not words:
        return [text]
    pieces = [words[0]]
    pieces.extend("".join(words[start : start + 7]) for start in range(1, len(words), 7))
    return pieces
