"""HTML taken apart: elements with their attributes and text, and whether each is closed where it should."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})


@dataclass(slots=True)
class Element:
    """One element. `text` is all the text inside, blanks folded."""

    tag: str
    attributes: dict[str, str | None]
    children: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self._pieces()).split())

    def _pieces(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._pieces()
                yield " "

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name) or ""

    def __contains__(self, name: str) -> bool:
        return name in self.attributes

    def walk(self) -> Iterator["Element"]:
        """This element and everything in it, in order."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, tag: str = "", **attributes: str) -> list["Element"]:
        """What is in here with a tag and attributes; `class_` and `name_` for words Python keeps."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [each for each in self.walk() if each is not self and _fits(each, tag, wanted)]

    def one(self, tag: str = "", **attributes: str) -> "Element":
        """The only one of these."""
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} of <{tag} {attributes}>"
        return found[0]


def _fits(element: Element, tag: str, wanted: dict[str, str]) -> bool:
    if tag and element.tag != tag:
        return False
    for name, value in wanted.items():
        if name == "class":
            if value not in element["class"].split():
                return False
        elif element.attributes.get(name) != value:
            return False
    return True


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def end(self) -> Element:
        self.close()
        assert self._open == [self.root], f"never closed: {[each.tag for each in self._open[1:]]}"
        return self.root


def parse(html: str) -> Element:
    """The document, or the fragment, as one element around it. Fails on HTML that is not well formed."""
    reader = _Reader()
    reader.feed(html)
    return reader.end()


def assert_safe(document: Element) -> None:
    """Nothing runs or styles inline, and everything comes from here."""
    for element in document.walk():
        assert "style" not in element, element.tag
        assert element.tag != "style"
        assert not [name for name in element.attributes if name.startswith(("on", "hx-on"))], element.tag
        if element.tag == "script":
            assert element["src"].startswith("/static/")
            assert element.text == ""
        for name in ("src", "action", "formaction", "poster"):
            assert (element[name] or "/").startswith("/"), f"{element.tag} {name}={element[name]}"
        assert not element["href"].lower().startswith(("javascript:", "data:"))


def assert_readable(document: Element) -> None:
    """What everybody needs to find their way: names of fields, buttons and pictures, ids that are one."""
    ids = [element["id"] for element in document.walk() if "id" in element]
    assert len(ids) == len(set(ids)), f"ids twice: {sorted(each for each in ids if ids.count(each) > 1)}"
    labels = {element["for"] for element in document.all("label") if "for" in element}
    wrapped = {id(each) for label in document.all("label") for each in label.walk()}
    for element in document.walk():
        if element.tag in ("input", "select", "textarea") and element["type"] != "hidden":
            named = element["id"] in labels or id(element) in wrapped or "aria-label" in element
            assert named, f"<{element.tag} name={element['name']}> has no label"
        if element.tag in ("button", "a", "summary"):
            assert element.text or element["aria-label"], f"<{element.tag} {element.attributes}> has no name"
        if element.tag == "img":
            assert "alt" in element
        for target in (element["aria-describedby"] + " " + element["aria-labelledby"]).split():
            assert target in ids, f"aria names #{target}, which is not there"
    for label in labels:
        assert label in ids, f"a label for #{label}, which is not there"
