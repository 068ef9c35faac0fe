import { atSwap } from "../live/swap.js";

// Ctrl+Enter (or Cmd+Enter) runs what is in the editor.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.id === "sql") {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
// If the database is down, the console answers 503 with a text of its own, which is shown in place of a result.
atSwap("refusal", (detail) => {
  const own = detail.target.id === "result" && detail.serverResponse.includes('id="result"');
  if (!own || detail.xhr.status !== 503) return;
  detail.shouldSwap = true;
  detail.isError = false;
});
