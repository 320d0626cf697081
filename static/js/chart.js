// Charts tell the exact values of the column under the pointer, or of the one the arrow keys are on.
function tell(chart, place) {
  const columns = chart.querySelectorAll(".column");
  const column = columns[place];
  chart.querySelector(".column.told")?.classList.remove("told");
  column?.classList.add("told");
  if (column) chart.dataset.told = place;
  else delete chart.dataset.told;
  chart.querySelector("[data-readout]").textContent = column ? column.dataset.values : "";
}

const placeOf = (column) => [...column.parentNode.querySelectorAll(".column")].indexOf(column);

document.addEventListener("pointerover", (event) => {
  const column = event.target.closest?.(".chart .column");
  if (column) tell(column.closest(".chart"), placeOf(column));
});

document.addEventListener("pointerout", (event) => {
  const chart = event.target.closest?.(".chart");
  if (chart && !chart.contains(event.relatedTarget)) tell(chart, -1);
});

document.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const chart = event.target.closest?.(".chart-plot")?.closest(".chart");
  if (!step || !chart) return;
  event.preventDefault();
  const last = chart.querySelectorAll(".column").length - 1;
  const told = Number(chart.dataset.told ?? (step > 0 ? -1 : last + 1));
  tell(chart, Math.min(Math.max(told + step, 0), last));
});

document.addEventListener("focusout", (event) => {
  const chart = event.target.closest?.(".chart");
  if (chart) tell(chart, -1);
});

// A live update brings new columns: what is told stays told, with the new values.
let told = [];
document.addEventListener("htmx:before:swap", () => {
  told = [...document.querySelectorAll(".chart[data-told]")].map((chart) => Number(chart.dataset.told));
});
document.addEventListener("htmx:after:swap", () => {
  document.querySelectorAll(".chart").forEach((chart, number) => {
    if (told[number] !== undefined) tell(chart, told[number]);
  });
});
