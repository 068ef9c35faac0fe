// What cannot be undone is asked for twice: the first press of a button with `data-sure` says what it does, the second, within five
// seconds, does it. A button that is drawn again in between is still the one that was pressed, by its id.

import { atSwap } from "../live/swap.js";

const SURE_MS = 5_000; // between the two presses
let asked = null; // {id, text, timer}

const shown = () => document.getElementById(asked?.id ?? "");
const calm = () => {
  if (!asked) return;
  clearTimeout(asked.timer);
  const button = shown();
  if (button) {
    button.textContent = asked.text;
    button.removeAttribute("data-asking");
  }
  asked = null;
};
const ask = (button) => {
  const text = `Press again: ${button.dataset.sure}`;
  if (button.textContent !== text) document.body.dispatchEvent(new CustomEvent("sagabox:say", { detail: { text } }));
  button.textContent = text;
  button.setAttribute("data-asking", "");
};

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-sure]");
  if (asked && button?.id === asked.id) {
    calm();
    return; // the second press goes its way
  }
  calm();
  if (!button) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  asked = { id: button.id, text: button.textContent, timer: setTimeout(calm, SURE_MS) };
  ask(button);
}, { capture: true });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") calm();
});
atSwap("sure", () => {
  const button = shown();
  if (asked && !button) calm();
  else if (button && !button.hasAttribute("data-asking")) ask(button);
});
