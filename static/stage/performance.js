// A list that leads to another page: an arrow key alone never opens it (WCAG 3.2.2). A choice by pointer opens it
// immediately; a key only moves in the list, and Enter, or the button next to it, opens the page.
//
// `shown()` is the page's own value. `waits(on)` is called with true while another value is selected in the list, else
// with false.
export const choosing = (select, { shown, go, waits = () => {} }) => {
  let byKey = false;
  const update = () => waits(select.value !== shown());
  select.addEventListener("pointerdown", () => { byKey = false; });
  select.addEventListener("keydown", (event) => {
    byKey = event.key !== "Enter";
    if (event.key !== "Enter" || select.value === shown()) return;
    event.preventDefault();
    go();
  });
  select.addEventListener("change", () => {
    update();
    if (!byKey && select.value !== shown()) go();
  });
  return {
    reset() {
      byKey = false;
      select.value = shown();
      update();
    },
  };
};
