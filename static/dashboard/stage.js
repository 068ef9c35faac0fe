// The stage's own behaviour: keys, help, the phone's three tabs, and following the newest booking. What happens is the server's.

const find = (id) => document.getElementById(id);

// Keys. A key that stands for a character can be switched off (WCAG 2.1.4); it is remembered in this browser.
const STEPS = { ArrowLeft: "step-previous", ArrowRight: "step-next", Home: "step-first", End: "step-last" };
const CHARACTERS = { "[": "step-cause", "]": "step-effect", "?": "help-open" };
const TYPING = "input, select, textarea, [role=grid], [role=tablist], [data-own-keys], dialog";
const PRESSED = "button, a, summary"; // Space means them
const single = find("single-keys");
single.checked = localStorage.getItem("single-keys") !== "off";
single.addEventListener("change", () => localStorage.setItem("single-keys", single.checked ? "on" : "off"));

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.closest(TYPING)) return;
  let button = STEPS[event.key] ?? (single.checked ? CHARACTERS[event.key] : undefined);
  if (event.key === " " && single.checked && !event.target.closest(PRESSED)) button = find("step-live") ? "step-live" : "step-pause";
  if (!button || !find(button)) return;
  event.preventDefault();
  find(button).click();
});
document.addEventListener("click", (event) => {
  if (event.target.closest("#help-open")) find("help").showModal();
});

// A step taken by hand goes before the panel's own refresh: were that one's answer shown first, the step's would find its place gone.
let steps = 0;
const ofPanel = ({ requestConfig, target }) => target?.id === "booking" && { own: requestConfig?.elt?.id === "booking" };
document.body.addEventListener("htmx:beforeRequest", (event) => {
  const request = ofPanel(event.detail);
  if (request && !request.own) steps += 1;
  else if (request && steps) event.preventDefault();
});
document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (steps && ofPanel(event.detail).own) event.detail.shouldSwap = false;
});
document.body.addEventListener("htmx:afterRequest", (event) => {
  const request = ofPanel(event.detail);
  if (request && !request.own) steps = Math.max(steps - 1, 0);
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

// Following the newest: the list of recent bookings knows it first. A booking is shown for a while before it makes way.
const DWELL_MS = 2000;
let changed = -Infinity;
let waiting = 0;
const follow = () => {
  waiting = 0;
  const panel = find("booking");
  const newest = find("recent")?.dataset.newest;
  if (panel?.dataset.follow !== "true" || !newest || panel.dataset.booking === newest) return;
  const left = panel.dataset.booking ? changed + DWELL_MS - performance.now() : 0;
  if (left > 0) {
    waiting = setTimeout(follow, left);
    return;
  }
  changed = performance.now();
  htmx.ajax("GET", "/bookings/newest/panel", { target: "#booking", swap: "outerHTML" });
};
document.body.addEventListener("htmx:afterSettle", () => { if (!waiting) follow(); });
