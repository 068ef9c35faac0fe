// What opens over the page closes by Escape, which gives the focus back, and by a click anywhere else.

const MENUS = ".menu[open], .verdict-all[open], .verdict > .verdict-chip[open]";
const close = (menu) => {
  for (const one of [menu, ...menu.querySelectorAll("details[open]")]) one.open = false;
};

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll(MENUS)) {
    const refocus = menu.contains(document.activeElement);
    close(menu);
    if (refocus) menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll(MENUS)) if (!menu.contains(target) && target.isConnected) close(menu);
});
// By keyboard a menu is left with Tab.
document.addEventListener("focusin", ({ target }) => {
  for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(target)) close(menu);
});
