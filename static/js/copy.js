// Copy buttons. Browsers offer the clipboard only over TLS and on localhost; elsewhere a selection is copied.
const TOLD_MS = 1_500;

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("not copied");
}

function show(root) {
  for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  await copy(source.value ?? source.textContent);
  const word = button.querySelector("[data-copy-word]");
  const before = (button.dataset.before ??= word.textContent);
  word.textContent = button.dataset.copied;
  button.classList.add("copied");
  button.focus();
  setTimeout(() => {
    word.textContent = before;
    button.classList.remove("copied");
  }, TOLD_MS);
});

show(document);
document.addEventListener("htmx:after:swap", () => show(document));
