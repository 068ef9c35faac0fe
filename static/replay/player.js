// The time bar: every change of the moment calls `go`. One moment is requested at a time, and of those wanted meanwhile
// only the newest, so a scrubber or a fast playback skips moments and never lags; the last wanted one is always shown.
// The answer contains all panels of the page. Every moment has a URL, which is pushed; while sliding it is replaced.

import { atSwap } from "../live/swap.js";
import { Playing } from "./playing.js";

const find = (id) => document.getElementById(id);
const page = document.documentElement;
const bar = find("time");
const scrubber = find("scrubber");
const play = find("play");
const moves = () => find("time-moves").dataset;
const isLive = () => moves().live === "true";

let wanted = null;
let busy = false;
let drawn = null; // the seat map that was scrolled last
let here = Number(moves().value); // of what is wanted, which the panels may not show yet

// For a booking the scrubber's value is the number of the entry, for a run it is a position.
const positions = () => (moves().positions ? moves().positions.split(",").map(Number) : null);
const posOf = (value) => positions()?.[value - 1] ?? value;
const address = (value) => `${moves().url}${posOf(value)}`;

const remember = (how) => {
  const to = moves().permalink;
  if (!to || to === location.pathname + location.search) return;
  const first = !new URLSearchParams(location.search).has("pos");
  history[how === "push" || first ? "pushState" : "replaceState"]({}, "", to);
};

const ask = async () => {
  if (busy || !wanted) return;
  const { url, how } = wanted;
  wanted = null;
  busy = true;
  const back = page.dataset.time === "replay" && !/[?&]pos=/.test(url);
  try {
    await htmx.ajax("GET", back ? `${url}${url.includes("?") ? "&" : "?"}back=1` : url, { source: bar, target: "#booking", swap: "outerHTML" });
    remember(how);
  } catch {
    playing.stop();
  } finally {
    busy = false;
    sync();
    ask();
  }
};
const go = (url, how = "push") => {
  wanted = { url, how };
  ask();
};
const show = (value) => {
  here = value;
  scrubber.value = String(value);
  go(address(value), "slide");
};
const step = (by) => {
  here = Math.min(Math.max(here + by, Number(moves().low)), Number(moves().high));
  go(address(here));
};

// The bar's display follows the server's last answer.
const sync = () => {
  const now = moves();
  if (!busy && !wanted && !playing.on) here = Number(now.value);
  const state = isLive() ? "live" : "replay";
  if (page.dataset.time !== state) {
    page.dataset.time = state;
    document.body.dispatchEvent(new CustomEvent("sagabox:time", { detail: { state } }));
  }
  scrubber.min = now.low;
  scrubber.max = now.high;
  scrubber.disabled = play.disabled = now.low === now.high && !now.positions;
  scrubber.value = String(here);
  scrubber.setAttribute("aria-valuetext", now.text);
  play.textContent = playing.on || isLive() ? "Pause" : "Play";
  bar.dataset.playing = String(playing.on);
  const map = find("seats");
  const mine = map?.querySelector("[data-mine]"); // the map scrolls to the booking's seats, and the page stays where it is
  if (mine && map !== drawn) map.scrollTop += mine.getBoundingClientRect().top - map.getBoundingClientRect().top - map.clientHeight / 2;
  drawn = map;
};

const playing = new Playing({ show, changed: sync, speed: () => Number(find("speed").value) });

play.addEventListener("click", () => {
  if (playing.on) return playing.stop();
  if (isLive()) return go(address(here)); // to pause is to stay where the page stands
  const from = here >= Number(scrubber.max) ? Number(scrubber.min) : here;
  return playing.start(from, Number(scrubber.max), moves());
});
scrubber.addEventListener("input", () => {
  playing.stop();
  show(Number(scrubber.value));
});
bar.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-to], #step-live");
  if (!button) return;
  playing.stop();
  if (button.id === "step-live") go(button.dataset.url);
  else if (button.dataset.by) step(Number(button.dataset.by));
  else if (button.dataset.to) {
    here = positions() ? positions().indexOf(Number(button.dataset.to)) + 1 : Number(button.dataset.to);
    go(`${moves().url}${button.dataset.to}`);
  }
});

// A link or a box that leads to a moment uses the same function. A person's request replaces the panel's own refresh.
const body = document.body;
const ofPanel = ({ target, requestConfig }) => target?.id === "booking" && requestConfig?.verb === "get" && requestConfig.elt;
body.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.target?.id !== "booking" || event.detail.verb !== "get") return;
  const performance = find("seats")?.dataset.performance; // what is shown, which is not always what stands in the list
  if (performance) event.detail.parameters.performance = performance;
  const map = find("seats")?.dataset.map;
  if (map) event.detail.parameters.map = map;
});
body.addEventListener("htmx:beforeRequest", (event) => {
  const asking = ofPanel(event.detail);
  if (!asking || asking === bar) return;
  const own = asking.id === "booking";
  if (own && !busy && !wanted) return;
  event.preventDefault();
  if (own) return;
  playing.stop();
  go(event.detail.pathInfo.finalRequestPath);
});
atSwap("outdated", (detail) => {
  if (ofPanel(detail)?.id === "booking" && (busy || wanted || !isLive())) detail.shouldSwap = false;
});
atSwap("sync", sync);
body.addEventListener("booked", () => playing.stop());

// Back and forward: the URL contains everything.
window.addEventListener("popstate", (event) => {
  if (!event.state?.htmx) location.reload();
});
sync();
