// The header's display of the connection to the server.

const pill = document.getElementById("socket");
let said = "";
let shown = ""; // compared with what was said, not with what stands there: a page that is being translated has other words

const show = () => {
  // While the page shows a moment of the past, only the log continues.
  const text = said && document.documentElement.dataset.time === "replay" ? `${said}, log only` : said;
  if (text && shown !== text) pill.textContent = shown = text;
};

export const say = (state, text) => {
  if (!pill) return;
  if (pill.dataset.state !== state) document.documentElement.dataset.line = pill.dataset.state = state;
  said = text;
  show();
};
if (pill) {
  pill.hidden = false;
  document.body.addEventListener("sagabox:time", show);
}
