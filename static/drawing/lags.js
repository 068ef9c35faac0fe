// How far each view is behind: a line over the last minute at the seat map and over the tables of the views, with every answer about the
// outages (rail.js asks every few seconds). While the seat map stands still, the seats that Seat has changed since get a corner.

import { atSwap } from "../live/swap.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 120;
const HEIGHT = 18;
let known = {}; // view -> {lag, tail, line, idle, most_ms}

const element = (name, attributes = {}, text = "") => {
  const made = document.createElementNS(name === "svg" || name === "path" ? SVG : "http://www.w3.org/1999/xhtml", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
};
const inWords = ({ most_ms: most }) => (most === null ? "nothing to apply in the last minute" : `at most ${most} ms behind in the last minute`);
const drawn = (lag) => {
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": inWords(lag) });
  svg.append(element("path", { class: "lag-idle", d: lag.idle }), element("path", { class: "lag-way", d: lag.line }));
  return svg;
};

const show = () => {
  for (const place of document.querySelectorAll("[data-lag-line]")) {
    const lag = known[place.dataset.lagLine];
    if (!lag) continue;
    place.replaceChildren(drawn(lag));
    place.title = inWords(lag);
    place.toggleAttribute("data-still", lag.tail !== "");
  }
  for (const list of document.querySelectorAll("[data-lag-lines]")) {
    list.replaceChildren(...Object.entries(known).map(([view, lag]) => {
      const item = element("li", { title: inWords(lag), ...(lag.tail ? { "data-still": "" } : {}) });
      item.append(element("span", {}, view), drawn(lag), element("b", {}, `${lag.lag}${lag.tail}`));
      return item;
    }));
  }
};

// The truth is asked for only while the view has something to apply: else it is the same.
const seats = () => [...document.querySelectorAll("#seats .grid button.seat")];
const mark = (truth) => {
  for (const seat of seats()) {
    const status = truth[seat.dataset.label];
    const differs = status !== undefined && status !== seat.dataset.status;
    if (differs === "truth" in seat.dataset && seat.dataset.truth === (differs ? status : undefined)) continue;
    if (differs) {
      seat.dataset.truth = status;
      seat.title = `The view shows ${seat.dataset.status.toLowerCase()}; Seat has it ${status.toLowerCase()}`;
    } else {
      delete seat.dataset.truth;
      seat.removeAttribute("title");
    }
  }
};
const compare = async () => {
  if (!known.seat_map?.tail) return mark({});
  const performance = document.getElementById("seats")?.dataset.performance;
  if (!performance) return undefined;
  const answer = await fetch(`/seats/differing?performance=${encodeURIComponent(performance)}`, { cache: "no-store" });
  return answer.ok && known.seat_map.tail ? mark(await answer.json()) : undefined;
};
document.body.addEventListener("lags", ({ detail }) => {
  known = Object.fromEntries(Object.entries(detail).filter(([, lag]) => lag?.line !== undefined));
  show();
  compare().catch(() => {}); // asked again with the next answer
});
atSwap("lags", show);
