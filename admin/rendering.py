"""Jinja2, set up once: escaping on, missing names are errors, words and numbers in the reader's form.

A template is given `page` (its dataclass), `frame` (what stands around it, for whole pages) and `reader`;
admin/contexts has them. templates/README.md says how a page is made.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, Template, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from admin.catalogues import translations_of
from admin.compiled import TEMPLATES, KeptTemplates, load
from admin.places import PLACES
from admin.readers import LANGUAGES, Language, Reader, iso
from admin.sparklines import HEIGHT_PX, Sparkline
from admin.words import (
    ACTORS,
    AGES,
    BUCKET_STATES,
    ENDINGS,
    FAILURES,
    KEY_EVENTS,
    KEY_STATES,
    MARKS,
    PICTURES,
    PROVIDERS,
    RANGES,
    TASK_STATES,
    TASKS,
    UNITS,
    in_words,
)
from gateway.control.endings import ending_of

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "failure": FAILURES,
        "ending": ENDINGS,
        "key_state": KEY_STATES,
        "bucket_state": BUCKET_STATES,
        "key_event": KEY_EVENTS,
        "provider": PROVIDERS,
        "task": TASKS,
        "task_state": TASK_STATES,
        "unit": UNITS,
        "actor": ACTORS,
    }
)
"""Filters that say a short name in words."""
SET_UP = Path(__file__).read_text(encoding="utf-8")
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
_TURN_S = 0.003
StaticUrl = Callable[[str], str]


class Renderer:
    """Renders the files under templates/.

    static_url   the address of a file under static/, changed whenever the file is
    kept         has the compiled templates
    """

    def __init__(
        self, static_url: StaticUrl = "/static/{}".format, kept: BytecodeCache | None = None
    ) -> None:
        kept = kept or KeptTemplates(SET_UP)
        self._environments = {language: _environment(language, static_url, kept) for language in LANGUAGES}
        self._loaded: set[tuple[Language, str]] = set()

    def render(self, template: str, page: Any, *, reader: Reader | None = None, frame: Any = None) -> str:
        """The text of a template; `page` is its one input, a dataclass of admin/contexts."""
        found, names = self._prepare(template, page, reader or Reader(), frame)
        return found.render(names)

    async def render_in_turns(
        self, template: str, page: Any, *, reader: Reader | None = None, frame: Any = None
    ) -> str:
        """As `render`, with the loop free for others every few milliseconds: a long list delays no call.

        What is rendered for the first time is loaded on another thread, with all that it includes.
        """
        reader = reader or Reader()
        if (reader.language, template) not in self._loaded:
            await asyncio.to_thread(load, self._environments[reader.language], template)
            self._loaded.add((reader.language, template))
        found, names = self._prepare(template, page, reader, frame)
        pieces: list[str] = []
        turn_ends_s = time.perf_counter() + _TURN_S
        for piece in found.generate(names):
            pieces.append(piece)
            if time.perf_counter() >= turn_ends_s:
                await asyncio.sleep(0)
                turn_ends_s = time.perf_counter() + _TURN_S
        return "".join(pieces)

    def _prepare(
        self, template: str, page: Any, reader: Reader, frame: Any
    ) -> tuple[Template, Mapping[str, Any]]:
        found = self._environments[reader.language].get_template(template)
        return found, {"page": page, "frame": frame, "reader": reader}


def compile_all(kept: BytecodeCache | None = None) -> None:
    """Compile every template and keep it, for processes that cannot write."""
    kept = kept or KeptTemplates(SET_UP, writes=True)
    environment = _environment(LANGUAGES[0], "/static/{}".format, kept)
    for name in environment.list_templates(extensions=["html"]):
        environment.get_template(name)


def _environment(language: Language, static_url: StaticUrl, kept: BytecodeCache) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        bytecode_cache=kept,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=("jinja2.ext.i18n",),
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals.update(static_url=static_url, places=PLACES)
    environment.filters.update(number=_number, compact=_compact, percent=_percent, moment=_moment)
    environment.filters.update(
        {name: _wording(words) for name, words in WORDS.items()}, mark=MARKS.__getitem__
    )
    environment.filters.update(ending_of=ending_of, range=_range)
    environment.filters.update(duration=_duration, time=_time, time_left=_time_left, iso=_iso, age=_age)
    environment.filters.update(spark=_spark)
    words = translations_of(language)
    # The extension's methods are added at run time.
    environment.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
    return environment


def _wording(words: Mapping[str, str]) -> Callable[[Context, str], str]:
    @pass_context
    def wording(context: Context, name: str) -> str:
        return in_words(words, name, _reader(context).language)

    return wording


@pass_context
def _number(context: Context, value: float) -> str:
    return _reader(context).number(value)


@pass_context
def _compact(context: Context, value: float) -> str:
    return _reader(context).compact(value)


@pass_context
def _percent(context: Context, share: float) -> str:
    return _reader(context).percent(share)


@pass_context
def _moment(context: Context, epoch_ms: float) -> str:
    return _reader(context).moment(epoch_ms)


@pass_context
def _time(context: Context, epoch_ms: float, shape: str = "%Y-%m-%d %H:%M:%S") -> Markup:
    """A `<time>`: its text in the reader's zone, whole in its tooltip when the text is not."""
    reader = _reader(context)
    shown, whole = f"{reader.at(epoch_ms):{shape}}", reader.moment(epoch_ms)
    return _time_element(epoch_ms, shown, "" if shown == whole else f"{whole} {reader.zone}")


@pass_context
def _duration(context: Context, milliseconds: float) -> str:
    """A length of time with its unit: `420 ms`, `1.35 s`, `41 s`."""
    reader = _reader(context)
    if milliseconds < 1000:
        return f"{reader.number(round(milliseconds))} ms"
    seconds = milliseconds / 1000
    return f"{reader.number(round(seconds, 2 if seconds < 10 else 1 if seconds < 100 else 0))} s"


def _time_left(milliseconds: float) -> str:
    """Time left as static/js/countdown.js writes it: `0:41`, `12:05`, `3:00:00`."""
    seconds = max(math.ceil(milliseconds / 1000), 0)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@pass_context
def _age(context: Context, epoch_ms: float, now_ms: float) -> Markup:
    """How long ago a moment was, in its largest unit; whole in its tooltip."""
    reader = _reader(context)
    seconds = max((now_ms - epoch_ms) / 1000, 0)
    unit, count = next(
        (name, seconds / size) for name, size in _UNITS if seconds >= size or name == _UNITS[-1][0]
    )
    shown = in_words(AGES, unit, reader.language) % {"count": reader.number(int(count))}
    return _time_element(epoch_ms, shown, f"{reader.moment(epoch_ms)} {reader.zone}")


def _time_element(epoch_ms: float, shown: str, title: str) -> Markup:
    # Lists have hundreds of them; Markup's own formatting takes five times as long.
    told = f' title="{escape(title)}"' if title else ""
    return Markup(f'<time datetime="{iso(epoch_ms)}"{told}>{escape(shown)}</time>')  # noqa: S704 - escaped here


@pass_context
def _spark(context: Context, line: Sparkline) -> Markup:
    """A sparkline with what it says in words; a list has hundreds, for which a macro takes twice as long."""
    reader = _reader(context)
    said = in_words(PICTURES, "spark", reader.language) % {
        "attempts": reader.number(line.attempts),
        "failures": reader.number(line.failures),
    }
    return Markup(  # noqa: S704 - escaped here; the paths are digits
        f'<svg class="spark" viewBox="0 0 {line.width} {HEIGHT_PX}" role="img" aria-label="{escape(said)}">'
        f'<path class="bar success" d="{line.served}"/><path class="bar failed" d="{line.failed}"/></svg>'
    )


@pass_context
def _range(context: Context, text: str) -> str:
    """A range of an address in words: `24h` is `24 h`."""
    if text in RANGES:
        return in_words(RANGES, text, _reader(context).language)
    unit = {"m": "min"}.get(text[-1:], text[-1:])
    return in_words(AGES, unit, _reader(context).language) % {"count": text[:-1]}


def _iso(epoch_s: float) -> str:
    return iso(epoch_s * 1000)


def _reader(context: Context) -> Reader:
    reader: Reader = context["reader"]
    return reader
