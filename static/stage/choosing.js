// A run's page: another booking, or another performance, at the same moment. It is another page, with its own URL.

import { choosing } from "./performance.js";

const form = document.getElementById("choose");
const { booking, performance } = form.elements;
const go = (asked) => {
  const address = new URL(form.action);
  if (booking.value) address.searchParams.set("booking", booking.value);
  // A booking selects its own performance, unless another one was requested.
  if (asked === performance || !booking.value) address.searchParams.set("performance", performance.value);
  address.searchParams.set("pos", document.getElementById("time-moves").dataset.pos);
  location.assign(address);
};
const selects = [booking, performance].map((select) => {
  const shown = [...select.options].find((option) => option.defaultSelected)?.value ?? select.options[0].value;
  return { select, shown, list: choosing(select, { shown: () => shown, go: () => go(select) }) };
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  go(selects.find(({ select, shown }) => select === performance && select.value !== shown)?.select ?? booking);
});
window.addEventListener("pageshow", () => { for (const { list } of selects) list.reset(); });
