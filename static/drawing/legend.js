// The legend of the swimlanes: pointing at one of its words, or focusing it, lights up everything of that kind in the drawing. A tap
// keeps it lit until the next one.

const WORD = "[data-lights]";
let pointed = "";
let focused = "";
let pressed = "";

export const light = () => {
  const lit = pointed || focused || pressed;
  const drawing = document.getElementById("lanes-svg");
  if (lit) drawing?.setAttribute("data-lit", lit);
  else drawing?.removeAttribute("data-lit");
  for (const word of document.querySelectorAll(WORD)) word.setAttribute("aria-pressed", String(word.dataset.lights === pressed));
};
document.addEventListener("mouseover", ({ target }) => {
  const over = target.closest?.(WORD)?.dataset.lights ?? "";
  if (over === pointed) return;
  pointed = over;
  light();
});
const follow = () => {
  const word = document.activeElement?.closest(WORD);
  const now = word?.matches(":focus-visible") ? word.dataset.lights : "";
  if (now === focused) return;
  focused = now;
  light();
};
document.addEventListener("focusin", follow);
document.addEventListener("focusout", follow);
document.addEventListener("click", ({ target }) => {
  const word = target.closest?.(WORD)?.dataset.lights;
  if (!word) return;
  pressed = word === pressed ? "" : word;
  light();
});
