// Dialogs: what has `data-opens` opens one, a press beside it closes it. In the search, arrows move over what was
// found, and Enter opens the first of it.
for (const opener of document.querySelectorAll("[data-opens][hidden]")) opener.hidden = false;

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  const dialog = opener && document.getElementById(opener.dataset.opens);
  if (dialog && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    dialog.showModal();
    dialog.querySelector("[type=search]")?.select();
  } else if (event.target.matches?.("dialog[open]") || event.target.closest?.("dialog .hit")) {
    event.target.closest("dialog").close();
  }
});

document.addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const around = document.getElementById("found")?.parentElement;
  if (!step || !around?.contains(event.target)) return;
  const stops = [document.getElementById("search-q"), ...around.querySelectorAll(".hit")];
  const next = stops[stops.indexOf(event.target) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches(".search-form")) return;
  const found = document.getElementById("found");
  const first = found.querySelector(".hit");
  if (!first || found.dataset.sought !== event.target.elements.q.value.trim()) return;
  event.preventDefault();
  first.click();
});
