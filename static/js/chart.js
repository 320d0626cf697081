// Charts tell the exact values of the column under the pointer, or of the one the arrow keys are on.
function tell(chart, column) {
  const readout = chart.querySelector("[data-readout]");
  readout.dataset.rest ??= readout.textContent;
  chart.querySelector(".column.told")?.classList.remove("told");
  column?.classList.add("told");
  readout.textContent = column ? column.dataset.values : readout.dataset.rest;
}

document.addEventListener("pointerover", (event) => {
  const column = event.target.closest?.(".chart .column");
  if (column) tell(column.closest(".chart"), column);
});

document.addEventListener("pointerout", (event) => {
  const chart = event.target.closest?.(".chart");
  if (chart && !chart.contains(event.relatedTarget)) tell(chart, null);
});

document.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const chart = event.target.closest?.(".chart-plot")?.closest(".chart");
  if (!step || !chart) return;
  event.preventDefault();
  const columns = [...chart.querySelectorAll(".column")];
  const told = columns.indexOf(chart.querySelector(".column.told"));
  const next = told < 0 ? (step > 0 ? 0 : columns.length - 1) : Math.min(Math.max(told + step, 0), columns.length - 1);
  tell(chart, columns[next]);
});

document.addEventListener("focusout", (event) => {
  const chart = event.target.closest?.(".chart");
  if (chart) tell(chart, null);
});
