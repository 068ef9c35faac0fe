// What the page displays of its connection to the server: a sentence above everything, with a button if there is something
// to do, and the pill in its header.

const place = document.getElementById("notice");
let told = "";

export const notify = (sentence, button = null) => {
  if (!place || told === sentence) return;
  told = sentence;
  place.replaceChildren(sentence);
  if (button) {
    const press = document.createElement("button");
    press.type = "button";
    press.className = "chip";
    press.textContent = button.text;
    press.addEventListener("click", button.action);
    place.append(" ", press);
  }
  place.hidden = false;
};

export const hush = () => {
  if (!place) return;
  told = "";
  place.hidden = true;
};

const pill = document.getElementById("socket");
let said = "";
let shown = ""; // compared with what was said, not with what stands there: a page that is being translated has other words

const showPill = () => {
  // While the page shows a moment of the past, only the log continues.
  const text = said && document.documentElement.dataset.time === "replay" ? `${said}, log only` : said;
  if (text && shown !== text) pill.textContent = shown = text;
};

export const say = (state, text) => {
  if (!pill) return;
  if (pill.dataset.state !== state) document.documentElement.dataset.line = pill.dataset.state = state;
  said = text;
  showPill();
};
if (pill) {
  pill.hidden = false;
  document.body.addEventListener("sagabox:time", showPill);
}
