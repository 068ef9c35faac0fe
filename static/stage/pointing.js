// A row of the tables and the box that wrote it last point at each other: while one has the pointer or the focus, the other is
// lit. They are found by the entry's position, since a swap replaces both.

const ROW = "#tables [data-row]";
const BOX = "#lanes-svg .box";
let lit = "";

const light = (pos) => {
  if (pos === lit) return;
  lit = pos;
  for (const one of document.querySelectorAll(".lit")) one.classList.remove("lit");
  if (!pos) return;
  for (const one of document.querySelectorAll(`${ROW}, ${BOX}`)) one.classList.toggle("lit", (one.dataset.row ?? one.dataset.pos) === pos);
};
const posOf = (element) => {
  const found = element?.closest?.(`${ROW}, ${BOX}`);
  return found?.dataset.row ?? found?.dataset.pos ?? "";
};
document.addEventListener("mouseover", ({ target }) => light(posOf(target) || posOf(document.activeElement)));
document.addEventListener("focusin", ({ target }) => light(posOf(target)));
document.addEventListener("focusout", ({ relatedTarget }) => light(posOf(relatedTarget)));
// The whole row can be pressed; its link is for the keyboard, and says where it leads.
document.addEventListener("click", ({ target }) => {
  if (target.closest?.("a") || String(getSelection())) return;
  target.closest?.(ROW)?.querySelector(".by a")?.click();
});
