// What makes the pages quicker to use; each of them works without it.
"use strict";
const rows = () => [...document.querySelectorAll("tr[data-alert]")];
let at = -1;

function go(to) {
  const all = rows();
  if (!all.length) return;
  at = Math.min(Math.max(to, 0), all.length - 1);
  all.forEach((row, number) => row.classList.toggle("current", number === at));
  all[at].querySelector(".reason a").focus();
}

const keys = {
  j: () => go(at + 1),
  k: () => go(at - 1),
  x: () => rows()[at]?.querySelector("input[type=checkbox]:not(:disabled)")?.click(),
  a: () => (document.querySelector("#acknowledge") ?? document.querySelector(".many button[value=acknowledge]"))?.click(),
  c: () => (document.querySelector("#verdict") ?? document.querySelector(".many select"))?.focus(),
  "/": () => document.querySelector("#search")?.focus(),
  r: () => location.reload(),
  "?": () => document.querySelector(".keys")?.toggleAttribute("open"),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
  if (event.key === "Escape" && typing) typing.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});

// The list is fetched anew while nobody is at work in it.
const list = document.querySelector("#alerts[data-refresh]");
if (list) {
  setInterval(async () => {
    const busy = document.hidden || document.querySelector("#alerts input:checked") || document.activeElement?.closest("form");
    if (busy) return;
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const name of ["#alerts", ".views"]) document.querySelector(name)?.replaceWith(fresh.querySelector(name));
    at = -1;
  }, Number(list.dataset.refresh) * 1000);
}
