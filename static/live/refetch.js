// A page that was away for too long to be patched: its log, seats and gauges are fetched whole and put in place of the old ones.
// Everything that a person has typed, chosen or opened stays.

import { typedIn } from "./holding.js";
import { renew, replaceLog } from "./log.js";
import { notify } from "./notice.js";

// Whether a reload would lose something. (Selects that remember their choice do not count, nor what the server filled
// in; an unfinished fault form does.)
export const unsaved = () =>
  Boolean(document.getElementById("seats-field")?.value) ||
  document.querySelector("dialog[open], #anything[open]") !== null ||
  typedIn(document) ||
  [...document.querySelectorAll("input[type=file]")].some((field) => field.files.length);

// A page that was made before there was a hall, or a customer, is reloaded by the server's answer, which htmx follows
// immediately.
document.body.addEventListener("htmx:beforeOnLoad", (event) => {
  if (!event.detail.xhr.getResponseHeader("HX-Refresh") || !unsaved()) return;
  event.preventDefault();
  notify("There is more to show now than when this page was made.", { text: "Load it again", action: () => location.reload() });
});

// Returns the position of the entry that the fresh log ends with. Throws if there is no answer.
export const refetch = async () => {
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok) throw new Error(String(answer.status));
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  replaceLog([...fresh.getElementById("feed").children]);
  // The elements that a socket would update: those with an id on both pages.
  for (const element of fresh.querySelectorAll('#seats .seat[id], [id^="lag-"]')) renew(element);
  return Number(fresh.documentElement.dataset.pos);
};
