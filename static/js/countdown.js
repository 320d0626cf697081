// Counts down to a moment: <time data-until="epoch milliseconds">. The server has written the time left.
const TICK_MS = 1_000;

function left(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

function tick() {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[data-until]")) {
    const seconds = Math.max(Math.ceil((Number(time.dataset.until) - Date.now()) / 1000), 0);
    const text = left(seconds);
    if (time.textContent !== text) time.textContent = text;
  }
}

setInterval(tick, TICK_MS);
document.addEventListener("htmx:after:swap", tick);
document.addEventListener("visibilitychange", tick);
tick();
