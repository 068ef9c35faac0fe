// Who this browser is: an id by which people are counted, and the customer it acts as, kept from visit to visit. A permalink that
// names a customer goes first.

const stored = (name, make) => {
  try {
    const found = localStorage.getItem(name) ?? make();
    if (found !== null) localStorage.setItem(name, found);
    return found;
  } catch {
    return make(); // a browser that stores nothing is a new person on each page
  }
};

const random = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is there on secure origins only
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
};

export const who = stored("sagabox.who", random);

const CUSTOMER = "sagabox.customer";
const choices = () => document.querySelectorAll('#shop select[name="customer"], select[data-acting]');

const show = () => {
  const acting = document.getElementById("acting");
  const chosen = choices()[0]?.selectedOptions[0]?.text ?? stored(`${CUSTOMER}.name`, () => null);
  if (acting && chosen) {
    acting.hidden = false;
    acting.textContent = `You act as ${chosen}`;
  }
};

const keep = (select) => {
  try {
    localStorage.setItem(CUSTOMER, select.value);
    localStorage.setItem(`${CUSTOMER}.name`, select.selectedOptions[0]?.text ?? "");
  } catch {
    // not kept, then
  }
  show();
};

const customer = stored(CUSTOMER, () => null);
if (customer && !new URLSearchParams(location.search).has("customer")) {
  for (const select of choices()) {
    if ([...select.options].some((option) => option.value === customer)) select.value = customer;
  }
}
document.addEventListener("change", (event) => {
  if ([...choices()].includes(event.target)) keep(event.target);
});
if (choices()[0]) keep(choices()[0]);
else show();
