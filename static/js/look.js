// What changes by itself is asked for again while it is seen: an element with `data-look` (milliseconds) and
// the trigger `look`. Nothing is asked in hidden tabs, nor while a menu is open over it.
const TICK_MS = 500;
const asked = new WeakMap();

setInterval(() => {
  if (document.hidden || document.querySelector("details.menu[open], [popover]:popover-open")) return;
  const now = performance.now();
  for (const element of document.querySelectorAll("[data-look]")) {
    if (!asked.has(element)) asked.set(element, now);
    if (now - asked.get(element) < Number(element.dataset.look)) continue;
    asked.set(element, now);
    htmx.trigger(element, "look", {}, false);
  }
}, TICK_MS);
