// The stage's own behaviour: keys, help, the phone's three tabs, and swaps of the panel. The server decides everything
// else.

import { atSwap } from "../live/swap.js";

const find = (id) => document.getElementById(id);

// Keys. A key that stands for a character can be switched off (WCAG 2.1.4); it is remembered in this browser.
const STEPS = { ArrowLeft: "step-previous", ArrowRight: "step-next", Home: "step-first", End: "step-last" };
const CHARACTERS = { "[": "step-cause", "]": "step-effect", "?": "help-open", f: "step-fault", b: "step-of-booking", l: "step-live" };
const TYPING = "input:not(#scrubber), select, textarea, [role=grid], [role=tablist], [data-own-keys], dialog";
const PRESSED = "button, a, summary"; // Space means them
const single = find("single-keys");
single.checked = localStorage.getItem("single-keys") !== "off";
single.addEventListener("change", () => localStorage.setItem("single-keys", single.checked ? "on" : "off"));

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.closest(TYPING)) return;
  if (event.target.id === "scrubber" && STEPS[event.key]) return; // its own keys, which do the same
  let button = STEPS[event.key] ?? (single.checked ? CHARACTERS[event.key] : undefined);
  if (event.key === " " && single.checked && !event.target.closest(PRESSED)) button = "play";
  if (!button || !find(button)) return;
  event.preventDefault();
  find(button).click();
});
document.addEventListener("click", (event) => {
  if (event.target.closest("#help-open")) find("help").showModal();
});

// Three tabs, where there is room for one part of the stage at a time.
const stage = find("main");
const tabs = [...document.querySelectorAll('[role="tab"]')];
const open = (name) => {
  stage.dataset.tab = name;
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", String(tab.dataset.tab === name));
    tab.tabIndex = tab.dataset.tab === name ? 0 : -1;
  }
};
for (const tab of tabs) {
  tab.addEventListener("click", () => open(tab.dataset.tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    open(next.dataset.tab);
    next.focus();
  });
}
document.body.addEventListener("booked", () => open("story"));
if (new URL(location.href).searchParams.has("booking")) open("story");

// An answer for the panel is placed there, even if the panel was replaced while it was under way: htmx has kept the
// intended element. The refresh of a panel that was replaced is out of date, and dropped.
atSwap("redirect", (detail) => {
  const { target, requestConfig: { elt } } = detail;
  if (target.isConnected) return;
  if (elt === target || !find(target.id)) detail.shouldSwap = false;
  else detail.target = find(target.id);
});

// htmx notifies each of the 600 elements of a panel that it is removed, and searches the page for the old element of
// each new id: two thirds of the time of a swap. Nothing in the panel needs that, except the focus, which moves to the
// new element with its id.
atSwap("empty", ({ target, shouldSwap }) => {
  if (shouldSwap && target.id === "booking" && !target.contains(document.activeElement)) target.replaceChildren();
});
