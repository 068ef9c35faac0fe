// Drawing: new lines on top of the log, the oldest off its end; gauges and seats in their places.

import { LENGTH } from "./inbox.js";

// Lines that may be seen to arrive: a booking's, or two. More of them in a second are a stream, and an animation that never ends
// paints twice as many frames as there is news.
const CALM = 30;
let recent = 0; // lines of the last second or so
let at = 0;
const calm = (lines) => {
  const now = performance.now();
  recent = recent * Math.exp((at - now) / 1000) + lines;
  at = now;
  return recent <= CALM;
};

export const draw = (entries, latest) => {
  const log = document.getElementById("feed");
  if (log && entries.length) {
    const fresh = document.createDocumentFragment();
    const arriving = calm(entries.length);
    for (const { line } of entries) {
      if (arriving) line.classList.add("new");
      fresh.prepend(line);
    }
    log.prepend(fresh);
    while (log.children.length > LENGTH) log.lastElementChild.remove();
  }
  for (const element of latest) renew(element);
};

// Gauges and seats bring nothing that htmx would have to bind; its swap, and all who wait for one to settle, would be called with
// each frame. What the browser knows of a place, and the server does not, is kept.
const renew = (element) => {
  const place = document.getElementById(element.id);
  if (!place) return;
  const focused = place === document.activeElement;
  if (place.hasAttribute("tabindex")) element.setAttribute("tabindex", place.getAttribute("tabindex"));
  place.replaceWith(element);
  if (focused) element.focus({ preventScroll: true });
  document.body.dispatchEvent(new CustomEvent("sagabox:renewed", { detail: { element } }));
};
