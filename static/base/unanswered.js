// A button without an answer, or with one that does not explain itself: a message next to it says what happened. (The
// form that books has words of its own, in shop.js.)

const words = (status) => {
  if (status === 0 || status >= 500) return "No answer. It is not known yet whether it was done: look before you press again.";
  if (status === 401) return "This needs the operator token.";
  if (status === 403) return "This page is too old for that.";
  return `The front door did not accept this (${status}).`;
};
const failed = ({ detail }) => {
  const { elt, xhr, requestConfig } = detail;
  if (requestConfig?.verb === "get" || elt.id === "shop" || elt.id === "first-run" || !elt.isConnected) return;
  const said = document.createElement("span");
  said.className = "problem unanswered";
  said.setAttribute("role", "alert");
  const again = Object.assign(document.createElement("a"), { href: location.href, textContent: "Load it again" });
  said.append(words(xhr?.status ?? 0), ...([401, 403].includes(xhr?.status) ? [" ", again] : []));
  if (elt.nextElementSibling?.classList.contains("unanswered")) elt.nextElementSibling.remove();
  elt.after(said);
};
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:sendAbort", "htmx:responseError"]) document.body.addEventListener(name, failed);
document.body.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
  if (elt.nextElementSibling?.classList.contains("unanswered")) elt.nextElementSibling.remove();
});
