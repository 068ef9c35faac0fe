// A list that leads to another page: it never goes there by an arrow key alone (WCAG 3.2.2). A choice by pointer goes at once; a key only
// moves in the list, and Enter, or the button next to it, opens the page.
//
// `shown()` is the value that the page is about. `waits(on)` is called with true while another value stands in the list, else false.
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
