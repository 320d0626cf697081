// Says when the gateway cannot be reached from here, and stops saying so when it can again.
const root = document.documentElement;
const lost = () => root.classList.add("is-offline");
const found = () => root.classList.remove("is-offline");

window.addEventListener("offline", lost);
window.addEventListener("online", found);
document.addEventListener("htmx:sse:error", (event) => {
  if (!event.detail.status) lost();
});
document.addEventListener("htmx:sse:after:connection", found);
document.addEventListener("htmx:error", (event) => {
  if (event.detail.error instanceof TypeError) lost();
});
document.addEventListener("htmx:after:request", found);

// Signed out meanwhile: the page is loaded anew, and asks to sign in.
document.addEventListener("htmx:sse:error", (event) => {
  if (event.detail.status === 401) location.reload();
});
