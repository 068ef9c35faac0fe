// What the header says of the line to the server.

const pill = document.getElementById("socket");

export const say = (state, text) => {
  if (!pill || (pill.dataset.state === state && pill.textContent === text)) return;
  pill.dataset.state = state;
  pill.textContent = text;
};
