// The fault rail: the parts that only the browser can provide. The server renders everything else, through htmx.

import { held } from "../live/holding.js";
import { atSwap } from "../live/swap.js";

// "This booking" is the one whose story is open.
const fillBooking = () => {
  const field = document.getElementById("arm-booking");
  if (field && !field.value) field.value = document.getElementById("booking")?.dataset.booking ?? "";
};
atSwap("fill", fillBooking);

// Arming or clearing a fault changes what is down, so the banner refreshes immediately.
document.body.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.pathInfo?.requestPath?.startsWith("/rail/") && event.detail.requestConfig?.verb === "post") {
    htmx.trigger(document.getElementById("outages"), "refresh");
  }
});

// The front door cannot report that it was killed on purpose, so this browser remembers what was armed last.
const ARMED = "sagabox.armed";
const LASTS_MS = 75_000; // a fault on the sandbox's own programs lives a minute, and what it killed is back some seconds later
const remember = (value) => {
  try {
    if (value) localStorage.setItem(ARMED, JSON.stringify(value));
    else localStorage.removeItem(ARMED);
  } catch {
    // not possible in a browser without storage
  }
};
const armedHere = () => {
  try {
    const { place, at } = JSON.parse(localStorage.getItem(ARMED) ?? "{}");
    return place === "web" && Math.abs(Date.now() - at) < LASTS_MS;
  } catch {
    return false;
  }
};
document.body.addEventListener("htmx:beforeRequest", ({ target, detail: { pathInfo } }) => {
  if (pathInfo?.requestPath !== "/rail/arm") return;
  const asked = new FormData(target.closest("form"));
  remember({ place: asked.get("point") === "process" ? asked.get("place") : "", at: Date.now() });
});
atSwap("armed", ({ pathInfo }) => {
  if (pathInfo?.requestPath === "/rail/arm" && document.getElementById("fault-problem")) remember(null);
});

// The connection breaks when the front door ends. The banner's next refresh may happen only when it is back.
document.body.addEventListener("htmx:wsClose", () => htmx.trigger(document.getElementById("outages"), "refresh"));

// If the front door does not answer, it is a real outage, unless it was killed from here.
document.body.addEventListener("htmx:sendError", (event) => {
  const banner = document.getElementById("outages");
  if (event.detail.elt !== banner || banner.querySelector("[data-front-door]")) return;
  const line = document.createElement("p");
  line.className = "outage";
  const injected = armedHere();
  line.dataset.injected = String(injected);
  line.dataset.frontDoor = "";
  const tag = document.createElement("b");
  tag.className = "tag";
  tag.textContent = injected ? "injected" : "not injected";
  const why = injected ? "Sagabox's own front door was killed by the fault armed here, and comes back." : "Sagabox does not answer.";
  line.append(tag, ` ${why} What you see may be out of date; the page resumes automatically.`);
  banner.replaceChildren(line);
});

// A stopped view writes nothing, so no entry updates its gauge: the banner's refresh does. The gauge of a view that has
// resumed is updated by its next entry, or here.
document.body.addEventListener("lags", ({ detail }) => {
  for (const [view, { lag, tail }] of Object.entries(detail)) {
    const gauge = document.getElementById(`lag-${view}`);
    if (!gauge || held(gauge) || !(tail || "still" in gauge.dataset)) continue;
    gauge.querySelector("b").textContent = lag;
    gauge.querySelector(".tail").textContent = tail;
    gauge.toggleAttribute("data-still", tail !== "");
  }
});
