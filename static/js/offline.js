// Says when the gateway cannot be reached from here, and since when; stops saying so when it can again.
const root = document.documentElement;
const isAway = (status) => status === 502 || status === 504; // a proxy in front of it tells

function lost() {
  if (root.classList.contains("is-offline")) return;
  for (const time of document.querySelectorAll("[data-lost]")) time.textContent = new Date().toLocaleTimeString(root.lang, { hourCycle: "h23" });
  root.classList.add("is-offline");
}

const found = () => root.classList.remove("is-offline");

window.addEventListener("offline", lost);
window.addEventListener("online", found);
document.addEventListener("htmx:sse:error", (event) => {
  if (!event.detail.status || event.detail.status >= 500) lost();
});
document.addEventListener("htmx:sse:after:connection", found);
document.addEventListener("htmx:error", (event) => {
  if (event.detail.error instanceof TypeError) lost();
});
document.addEventListener("htmx:after:request", (event) => (isAway(event.detail.ctx?.response?.status) ? lost() : found()));

// Signed out meanwhile: the page is loaded anew, and asks to sign in.
document.addEventListener("htmx:sse:error", (event) => {
  if (event.detail.status === 401) location.reload();
});
