// Brings the parts of a page that change up to date, without moving the page:
// only what differs is replaced, and what has the focus keeps it. Without this
// script everything works; one reloads by hand.
"use strict";
const every = 2000;
async function refresh() {
  if (document.hidden) return;
  let text;
  try {
    const res = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!res.ok) return;
    text = await res.text();
  } catch {
    return; // the server is away; the next time will tell
  }
  const next = new DOMParser().parseFromString(text, "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = next.getElementById(part.id);
    const typing = part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
    if (!fresh || typing || part.querySelector("details[open]") || part.innerHTML === fresh.innerHTML) continue;
    const href = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    part.innerHTML = fresh.innerHTML;
    if (href) part.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
  }
}
setInterval(refresh, every);
