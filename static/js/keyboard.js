// `/` goes to the page's search, `g` and a letter to a place. Not while something is typed.
const PLACES = { o: "overview", k: "keys", t: "tokens", c: "calls", s: "settings", p: "playground", n: "connect" };
const TOGETHER_MS = 1_200;
let leadAt = -Infinity;

function isTyping(element) {
  return element.isContentEditable || element.matches("input:not([type=checkbox], [type=radio]), textarea, select");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "g") {
    leadAt = event.timeStamp;
  } else if (event.timeStamp - leadAt < TOGETHER_MS && PLACES[event.key]) {
    leadAt = -Infinity;
    document.querySelector(`.nav [data-place="${PLACES[event.key]}"]`)?.click();
  }
});
