// A page that was away for too long to be patched: its log, seats and gauges are fetched whole and put in place of the old ones.
// All that a person has typed, chosen or opened stays as it is.

import { typedIn } from "./holding.js";
import { renew, replaceLog } from "./log.js";
import { notify } from "./notice.js";

// Something that a reload would lose. (Selects that remember what was chosen are not among it, nor what the server filled in; a fault
// that is being put together is.)
export const unsaved = () =>
  Boolean(document.getElementById("seats-field")?.value) ||
  document.querySelector("dialog[open], #anything[open]") !== null ||
  typedIn(document) ||
  [...document.querySelectorAll("input[type=file]")].some((field) => field.files.length);

// A page that was made before there was a hall, or a customer, is loaded again by the server's answer, which htmx obeys at once.
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
  // Whatever a socket would bring: elements with an id that are on both pages.
  for (const element of fresh.querySelectorAll('#seats .seat[id], [id^="lag-"]')) renew(element);
  return Number(fresh.documentElement.dataset.pos);
};
