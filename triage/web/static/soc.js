// What makes the pages quicker to use; each of them works without it.
"use strict";
const vietnamese = document.documentElement.lang === "vi";
const rows = () => [...document.querySelectorAll("tr[data-alert]")];
let at = -1;

function go(to) {
  const all = rows();
  if (!all.length) return;
  at = Math.min(Math.max(to, 0), all.length - 1);
  all.forEach((row, number) => row.classList.toggle("current", number === at));
  all[at].querySelector(".reason a").focus();
}

const press = (...names) => names.map((name) => document.querySelector(name)).find(Boolean)?.click();
const focus = (...names) => names.map((name) => document.querySelector(name)).find(Boolean)?.focus();
const keys = {
  j: () => go(at + 1),
  k: () => go(at - 1),
  x: () => rows()[at]?.querySelector("input[type=checkbox]:not(:disabled)")?.click(),
  a: () => press("#acknowledge", ".many button[value=acknowledge]"),
  c: () => focus("#verdict", ".many select"),
  m: () => focus("#comment"),
  n: () => press("a[rel=next]"),
  p: () => press("a[rel=prev]"),
  u: () => press("a.back"),
  "/": () => focus("#search"),
  r: () => location.reload(),
  "?": () => document.querySelector(".keys")?.toggleAttribute("open"),
};

// Whoever speaks to the machine, or has a key that sticks, can do without single keys (WCAG 2.1.4).
const off = () => localStorage.getItem("keys") === "off";
const list_of_keys = document.querySelector(".keys ul");
if (list_of_keys) {
  const button = document.createElement("button");
  const name = () => (button.textContent = off()
    ? (vietnamese ? "Bật phím tắt" : "Switch keys on") : (vietnamese ? "Tắt phím tắt" : "Switch keys off"));
  button.type = "button";
  button.addEventListener("click", () => {
    localStorage.setItem("keys", off() ? "on" : "off");
    name();
  });
  name();
  list_of_keys.after(button);
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
  if (event.key === "Escape" && typing) typing.blur();
  if (off() || typing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});

// Only https and this machine have a clipboard.
for (const button of navigator.clipboard ? document.querySelectorAll("button[data-copy]") : []) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = vietnamese ? "Đã chép" : "Copied";
  });
}

// The list is fetched anew while nobody is at work in it; when that fails it says so, as a list that stands still looks
// like a quiet night.
const list = document.querySelector("#alerts[data-refresh]");
function tell(text) {
  let notice = document.querySelector("#stale");
  if (!notice) {
    notice = Object.assign(document.createElement("p"), { id: "stale", className: "notice bad" });
    notice.setAttribute("role", "status");
    document.querySelector("#main").prepend(notice);
  }
  notice.textContent = text;
  notice.hidden = !text;
}
async function refresh() {
  const busy = document.hidden || document.querySelector("#alerts input:checked") || document.activeElement?.closest("form");
  if (busy) return;
  const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
  if (answer?.redirected) return location.reload();
  if (!answer?.ok) {
    return tell(vietnamese ? "Danh sách chưa được làm mới: máy chủ chưa trả lời." : "The list is not fresh: the server does not answer.");
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const name of ["#alerts", ".views"]) document.querySelector(name)?.replaceWith(fresh.querySelector(name));
  at = -1;
  tell("");
}
if (list) setInterval(refresh, Number(list.dataset.refresh) * 1000);
