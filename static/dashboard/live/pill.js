// What the header says of the line to the server.

const pill = document.getElementById("socket");
let said = "";

const show = () => {
  // While the page stands at a moment of the past, only the log goes on.
  const text = said && document.documentElement.dataset.time === "replay" ? `${said}, log only` : said;
  if (text && pill.textContent !== text) pill.textContent = text;
};

export const say = (state, text) => {
  if (!pill) return;
  if (pill.dataset.state !== state) document.documentElement.dataset.line = pill.dataset.state = state;
  said = text;
  show();
};
if (pill) document.body.addEventListener("sagabox:time", show);
