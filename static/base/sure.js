// What cannot be undone is asked for twice: the first press of a button with `data-sure` says what it does, the second, within five
// seconds, does it. A button that is drawn again in between is still the one that was pressed, by its id, which it therefore has to have.
// A page that wants something else first, a reason for example, refuses the event `sagabox:ask` of the button: then nothing is asked.

import { atSwap } from "../live/swap.js";

const SURE_MS = 5_000; // between the two presses
let asked = null; // {id, text, label, timer}
let repeated = false; // a key is held down: it presses again and again, and means it once

const shown = () => document.getElementById(asked?.id ?? "");
const calm = () => {
  if (!asked) return;
  clearTimeout(asked.timer);
  const button = shown();
  if (button) {
    button.textContent = asked.text;
    if (asked.label !== null) button.setAttribute("aria-label", asked.label);
    button.removeAttribute("data-asking");
  }
  asked = null;
};
const ask = (button) => {
  const text = `Press again: ${button.dataset.sure}`;
  if (button.textContent !== text) document.body.dispatchEvent(new CustomEvent("sagabox:say", { detail: { text } }));
  button.textContent = text;
  button.removeAttribute("aria-label"); // its name is now what it asks
  button.setAttribute("data-asking", "");
};

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-sure]");
  const again = Boolean(asked) && button?.id === asked.id;
  const habit = event.detail > 1 || repeated; // the second half of a double click is no second decision
  if (again && !habit) {
    calm();
    return; // the second press goes its way
  }
  if (!again) calm();
  if (!button) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (again || !button.dispatchEvent(new CustomEvent("sagabox:ask", { bubbles: true, cancelable: true }))) return;
  asked = { id: button.id, text: button.textContent, label: button.getAttribute("aria-label"), timer: setTimeout(calm, SURE_MS) };
  ask(button);
}, { capture: true });
document.addEventListener("keydown", (event) => {
  repeated = event.repeat;
  if (event.key === "Escape") calm();
}, { capture: true });
document.addEventListener("keyup", () => { repeated = false; }, { capture: true });
atSwap("sure", () => {
  const button = shown();
  if (asked && !button) calm();
  else if (button && !button.hasAttribute("data-asking")) ask(button);
});
