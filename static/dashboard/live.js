// The live page: one socket brings entries after our cursor; a booking's panel, the fault chips and the list refetch themselves
// when an entry concerns them. Commands never travel by the socket: after a reconnect it would send them again.

const page = document.documentElement;
let pos = Number(page.dataset.pos || 0);
const FEED_LENGTH = 120;

// The extension freezes the address it connects to; the cursor has to move, or entries are lost across a drop.
htmx.createWebSocket = (url) => {
  const address = new URL(url, location.href);
  address.searchParams.set("after", String(pos));
  address.searchParams.set("epoch", page.dataset.epoch || "");
  address.searchParams.set("performance", document.getElementById("seats").dataset.performance);
  return new WebSocket(address);
};

const pill = document.getElementById("socket");
const say = (state, text) => {
  pill.dataset.state = state;
  pill.textContent = text;
};
document.body.addEventListener("htmx:wsOpen", () => say("live", "Live"));
document.body.addEventListener("htmx:wsClose", () => say("away", "Reconnecting"));
document.body.addEventListener("htmx:wsError", () => say("away", "Reconnecting"));

// What asks for a refresh while its last one is under way has to ask again: the answer on its way is older than the news, and
// the element that would remember the question is about to be replaced.
const due = new Set();
let frame = 0;
const refreshDue = () => {
  frame = 0;
  for (const id of [...due]) {
    const element = document.getElementById(id);
    if (element?.classList.contains("htmx-request")) continue;
    due.delete(id);
    if (element) htmx.trigger(element, "refresh");
  }
};
const schedule = () => {
  if (due.size) frame ||= requestAnimationFrame(refreshDue);
};
const refresh = (id) => {
  due.add(id);
  schedule();
};
document.body.addEventListener("htmx:afterSettle", schedule);
document.body.addEventListener("htmx:afterRequest", schedule);

document.body.addEventListener("htmx:wsAfterMessage", () => {
  if (document.querySelector("[data-reload]")) {
    location.reload();
    return;
  }
  const feed = document.getElementById("feed");
  const panel = document.getElementById("booking");
  for (const line of feed.children) {
    const at = Number(line.dataset.pos);
    if (at <= pos) break;
    line.classList.add("new");
    if (panel?.dataset.live === "true" && line.dataset.bookings.includes(panel.dataset.booking)) refresh("booking");
    if (line.dataset.service === "projections") refresh("recent");
    if (line.hasAttribute("data-observation")) refresh("faults");
  }
  if (feed.firstElementChild) pos = Math.max(pos, Number(feed.firstElementChild.dataset.pos));
  while (feed.children.length > FEED_LENGTH) feed.lastElementChild.remove();
});
