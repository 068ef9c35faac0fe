// The stage's own behaviour: keys, help, the phone's three tabs, and following the newest booking. What happens is the server's.

import { streaming } from "./live/rate.js";

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

// Following the newest: the list of recent bookings knows it first. A booking is shown for a while before it makes way; in a stream
// longer, for its panel asks less often there, and it should be seen to end.
const DWELL_MS = 2_000;
const STREAM_DWELL_MS = 4_000;
let changed = -Infinity;
let waiting = 0;
const follow = () => {
  waiting = 0;
  const panel = find("booking");
  const newest = find("recent")?.dataset.newest;
  if (panel?.dataset.follow !== "true" || !newest || panel.dataset.booking === newest) return;
  const left = panel.dataset.booking ? changed + (streaming() ? STREAM_DWELL_MS : DWELL_MS) - performance.now() : 0;
  if (left > 0) {
    waiting = setTimeout(follow, left);
    return;
  }
  changed = performance.now();
  htmx.ajax("GET", "/bookings/newest/panel", { target: "#booking", swap: "outerHTML" });
};
document.body.addEventListener("htmx:afterSettle", () => { if (!waiting) follow(); });

// Whoever's answer belongs into the panel gets it there, though the panel was renewed while it was under way: htmx has kept the
// element that it meant. What a panel asked for itself that has made way is old: nobody needs it.
document.body.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (!detail.target?.id) return;
  detail.target.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target } = event.detail;
    if (xhr !== detail.xhr || target.isConnected) return;
    if (detail.elt === target || !find(target.id)) event.detail.shouldSwap = false;
    else event.detail.target = find(target.id);
  });
});
