// The line of an entry's details: it is folded until a person opens it, and then stays open for every entry after it.

import { atSwap } from "../live/swap.js";

const page = document.documentElement;
let open = false;
const kept = new Set(); // ids of the panel's other details that a person has opened

const fold = () => {
  const dock = document.getElementById("entry-dock");
  if (dock && dock.open !== open) dock.open = open;
  // These replace CSS :has() rules: one about the whole page would be evaluated again with every line of the log.
  page.toggleAttribute("data-details", dock !== null);
  page.toggleAttribute("data-folded", !open);
};
document.addEventListener("click", ({ target }) => {
  const line = target.closest?.("#entry-dock > summary");
  if (!line) return;
  open = !line.parentElement.open; // the click is about to change it
  setTimeout(fold);
});
document.addEventListener("toggle", ({ target }) => {
  if (target.matches("[data-kept]")) kept[target.open ? "add" : "delete"](target.id);
}, { capture: true });
atSwap("dock", () => {
  fold();
  for (const id of kept) document.getElementById(id)?.setAttribute("open", "");
});
fold();
