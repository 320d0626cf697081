// Tables by keyboard: arrows go to the row above or below, staying in the column where they can; space chooses.
const REACHED = "a[href], button, input, summary";

function stopIn(row, column) {
  return row.cells[column]?.querySelector(REACHED) ?? row.querySelector(REACHED);
}

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest?.(".table tbody td");
  if (!cell || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=checkbox])")) return;
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const row = cell.parentElement;
  if (step) {
    let next = row;
    do next = step < 0 ? next.previousElementSibling : next.nextElementSibling;
    while (next && !stopIn(next, cell.cellIndex));
    if (!next) return;
    event.preventDefault();
    stopIn(next, cell.cellIndex).focus();
  } else if (event.key === " " && event.target.matches("a")) {
    const box = row.querySelector("input[type=checkbox]");
    if (!box) return;
    event.preventDefault();
    box.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: event.shiftKey }));
  }
});
