// `/` searches everything, `f` this page, `?` tells the keys, `g` and a letter go to a place. Not while one types.
const TOGETHER_MS = 1_200;
let leadAt = -Infinity;

function isTyping(element) {
  return element instanceof HTMLElement && (element.isContentEditable || element.matches("input:not([type=checkbox], [type=radio]), textarea, select"));
}

function focusOn(field) {
  field?.focus();
  field?.select();
  return Boolean(field);
}

// What a key does; false when there is nothing it could do here.
function act(key, at) {
  if (at - leadAt < TOGETHER_MS) {
    leadAt = -Infinity;
    const place = document.querySelector(`.nav [data-letter="${CSS.escape(key)}"]`);
    place?.click();
    return Boolean(place);
  }
  if (key === "g") leadAt = at;
  else if (key === "f") return focusOn(document.querySelector("main [data-search]"));
  else if (key === "/" || key === "?") {
    const opener = document.querySelector(`[data-opens="${key === "/" ? "search" : "shortcuts"}"]`);
    if (key === "/" && !document.getElementById("search")) return focusOn(document.getElementById("search-q"));
    opener?.click();
    return Boolean(opener);
  }
  return key === "g";
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (act(event.key, event.timeStamp)) event.preventDefault();
});
