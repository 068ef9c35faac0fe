// The bar asks again two seconds after the first entry since its last request: at most every two seconds, and after the
// last one. What is being read stays: while a chip is open the bar is not replaced. It closes by Escape, or by a click
// anywhere else.

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

const opened = () => bar.querySelector("details[open]");

bar.addEventListener("htmx:beforeSwap", (event) => {
  if (opened()) event.detail.shouldSwap = false;
});
const close = (refocus) => {
  const chip = opened();
  if (!chip) return;
  chip.open = false;
  if (refocus) chip.querySelector("summary").focus();
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") close(bar.contains(document.activeElement));
});
document.addEventListener("click", (event) => {
  if (!opened()?.contains(event.target)) close(false);
});
