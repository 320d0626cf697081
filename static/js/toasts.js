// Toasts go by themselves, but not while they are read: under the pointer or the focus they stay.
const SHOWN_MS = 10_000;

function watch(toast) {
  const dismiss = toast.querySelector("[data-dismiss]");
  dismiss.hidden = false;
  dismiss.addEventListener("click", () => toast.remove());
  const leave = () => {
    if (toast.matches(":hover, :focus-within")) setTimeout(leave, 1_000);
    else toast.remove();
  };
  setTimeout(leave, SHOWN_MS);
}

const toasts = document.getElementById("toasts");
toasts.querySelectorAll("[data-toast]").forEach(watch);
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) {
    for (const node of addedNodes) if (node.matches?.("[data-toast]")) watch(node);
  }
}).observe(toasts, { childList: true });
