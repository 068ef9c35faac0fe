// One sentence about the connection, above everything, with a button if there is something to do.

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
