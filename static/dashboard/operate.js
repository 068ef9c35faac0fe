// The list renews itself every three seconds. Not under the hands of somebody who edits a message or ticks letters; what was
// done ends that.

const editing = () => document.querySelector("#work details[open], #work [name=letter]:checked");

document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.elt.id === "work" && editing()) event.detail.shouldSwap = false;
});
document.body.addEventListener("acted", () => {
  for (const details of document.querySelectorAll("#work details[open]")) details.open = false;
  for (const tick of document.querySelectorAll("#work [name=letter]:checked")) tick.checked = false;
});
