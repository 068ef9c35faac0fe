// How many people have this sandbox open.

const gauge = document.getElementById("people");

export const people = (count) => {
  if (!gauge || !count) return;
  gauge.hidden = false;
  const told = count === 1 ? "Only you are here" : `${count} people here`;
  if (gauge.textContent !== told) gauge.textContent = told;
};
