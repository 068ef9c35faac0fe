// The list renews itself every three seconds. Not while a person edits a message or ticks letters; submitting ends
// that.

import { typedIn } from "../live/holding.js";
import { atSwap } from "../live/swap.js";

const editing = () => document.querySelector("#work details[open], #work [name=letter]:checked");

atSwap("editing", (detail) => {
  if (detail.elt.id === "work" && editing()) detail.shouldSwap = false;
});
// A decision is sent only with everything that the journal keeps of it: name, reason, and valid data.
const WORDS = { who: "Enter your name: it is kept in the journal", why: "Enter a reason: it is kept in the journal" };
const mark = (field, words) => {
  field.toggleAttribute("aria-invalid", words !== "");
  if (words) field.setAttribute("aria-invalid", "true");
  let note = field.parentElement.querySelector(".field-says");
  if (!note && words) {
    note = document.createElement("small");
    note.className = "field-says";
    note.id = `${field.name}-says-${Math.random().toString(36).slice(2, 8)}`;
    field.after(note);
    field.setAttribute("aria-describedby", note.id);
  }
  if (note) note.textContent = words;
};
const fault = (field) => {
  if (field.name in WORDS) return field.value.trim() ? "" : WORDS[field.name];
  try {
    JSON.parse(field.value);
    return "";
  } catch (error) {
    return `This is not JSON: ${error.message}`;
  }
};
// Whether something is missing: marks it, and goes there.
const missing = (elt, path) => {
  if (!elt.closest('[hx-include*="#hand"]')) return false;
  const fields = [...document.querySelectorAll("#hand [name=who], #hand [name=why]")];
  if (path.endsWith("/edit-and-retry")) fields.push(elt.closest("form").querySelector("[name=data]"));
  for (const field of fields) mark(field, fault(field));
  const first = fields.find((field) => field.hasAttribute("aria-invalid"));
  first?.focus();
  return Boolean(first);
};
// Before the person is asked whether they are sure, and before it is sent.
document.body.addEventListener("sagabox:ask", (event) => {
  if (missing(event.target, event.target.getAttribute("hx-post") ?? "")) event.preventDefault();
});
document.body.addEventListener("htmx:confirm", (event) => {
  const { elt, path, verb } = event.detail;
  if (verb === "post" && missing(elt, path)) event.preventDefault();
});
document.body.addEventListener("input", ({ target }) => {
  if (target.hasAttribute?.("aria-invalid")) mark(target, fault(target));
});

document.body.addEventListener("acted", ({ target }) => {
  target.closest("form")?.reset(); // what was typed there has been sent
  for (const details of document.querySelectorAll("#work details[open]")) if (!typedIn(details)) details.open = false;
  for (const tick of document.querySelectorAll("#work [name=letter]:checked")) tick.checked = false;
});
