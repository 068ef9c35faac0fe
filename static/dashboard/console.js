// Ctrl+Enter (or Cmd+Enter) runs what is in the editor.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.id === "sql") {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
