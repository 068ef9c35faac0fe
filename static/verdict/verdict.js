// The chip asks again two seconds after the first entry since its last request: at most every two seconds, and after the
// last one. What is being read stays: while the list or a broken promise is open, only an answer that a person asked for
// replaces it. It closes by Escape, or by a click anywhere else (see menus.js).

const bar = document.getElementById("verdict");
const PACE_MS = 2_000; // between two looks at the verdict
let timer = 0;

const soon = () => {
  timer ||= setTimeout(() => {
    timer = 0;
    htmx.trigger(bar, "refresh");
  }, PACE_MS);
};
document.body.addEventListener("sagabox:entries", soon);

let checked = false; // a person pressed "Check now": the answer replaces the list, which stays open
bar.addEventListener("htmx:beforeSwap", ({ detail }) => {
  checked = detail.requestConfig.elt.matches(".verdict-check");
  if (bar.querySelector(".verdict-all[open], .verdict > .verdict-chip[open]") && !checked) detail.shouldSwap = false;
});
bar.addEventListener("htmx:afterSwap", () => {
  if (!checked) return;
  checked = false;
  bar.querySelector(".verdict-all").open = true;
  bar.querySelector(".verdict-check").focus();
});
