// The list renews itself every three seconds. Not under the hands of somebody who edits a message; what was done closes it.

const editing = () => document.querySelector("#work details[open]");

document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.elt.id === "work" && editing()) event.detail.shouldSwap = false;
});
document.body.addEventListener("acted", () => {
  for (const details of document.querySelectorAll("#work details[open]")) details.open = false;
});
