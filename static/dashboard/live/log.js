// Drawing: new lines on top of the log, the oldest off its end; gauges and seats in their places.

import { LENGTH } from "./inbox.js";

const CALM = 12; // lines at once that may be seen to arrive; more of them are a stream

export const draw = (entries, latest) => {
  const log = document.getElementById("feed");
  if (log && entries.length) {
    const fresh = document.createDocumentFragment();
    for (const { line } of entries) {
      if (entries.length <= CALM) line.classList.add("new");
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
