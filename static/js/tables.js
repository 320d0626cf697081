// Tables with rows to choose from: shift chooses a range, a menu opens for a row. Arrows and space: rows.js.
const boxes = () => [...document.querySelectorAll("table[data-rows] tbody input[type=checkbox]")];
let last = null;

function count() {
  const all = boxes();
  const chosen = all.filter((box) => box.checked).length;
  for (const box of all) box.closest("tr").classList.toggle("chosen", box.checked);
  for (const told of document.querySelectorAll("[data-picked]")) told.textContent = chosen ? told.dataset.words.replace("{}", chosen) : "";
  for (const master of document.querySelectorAll("[data-pick-all]")) {
    master.hidden = false;
    master.checked = chosen > 0 && chosen === all.length;
    master.indeterminate = chosen > 0 && chosen < all.length;
  }
}

document.addEventListener("click", (event) => {
  const box = event.target.closest?.("table[data-rows] tbody input[type=checkbox]");
  if (box) {
    const all = boxes();
    if (event.shiftKey && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      for (const each of all.slice(from, to + 1)) each.checked = box.checked;
    }
    last = box;
    count();
  } else if (event.target.matches?.("[data-pick-all]")) {
    for (const each of boxes()) each.checked = event.target.checked;
    count();
  }
});

// One menu for all rows: its buttons are sent to the row's own address.
function openMenu(link) {
  const menu = document.getElementById(link.dataset.menu);
  const id = link.dataset.id;
  for (const button of menu.querySelectorAll("[formaction]")) {
    const address = button.getAttribute("formaction").replace(/^\/keys\/\d+\//, `/keys/${id}/`);
    button.setAttribute("formaction", address);
    button.setAttribute("hx-post", address);
  }
  menu.querySelector("[data-menu-name]").textContent = link.dataset.name;
  menu.querySelector("[data-menu-link]").href = link.href;
  for (const more of menu.querySelectorAll("details")) more.open = false;
  menu.showPopover();
  const at = link.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const isPhone = matchMedia("(max-width: 640px)").matches;
  menu.style.left = isPhone ? "" : `${Math.max(at.right - width, 8)}px`;
  menu.style.top = isPhone ? "" : `${Math.max(Math.min(at.bottom + 4, innerHeight - height - 8), 8)}px`;
  menu.querySelector(".menu-item").focus();
  menu.addEventListener("toggle", (event) => event.newState === "closed" && menu.contains(document.activeElement) && link.focus(), { once: true });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-menu]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    openMenu(link);
  } else if (event.target.closest?.(".menu-item[hx-post], .menu-ask [hx-post]")) {
    document.querySelector("[popover]:popover-open")?.hidePopover();
    for (const menu of document.querySelectorAll("details.menu[open], details.menu-more[open]")) menu.open = false;
  }
});

document.addEventListener("htmx:after:swap", () => {
  count();
  for (const text of document.querySelectorAll("[data-copy-now]")) {
    delete text.dataset.copyNow;
    document.querySelector(`[data-copy="${text.id}"]`)?.click();
  }
});
count();
