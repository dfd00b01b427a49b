// Keeps an open page up to date. Everything it shows was made, and escaped, by the server.
"use strict";

const MOST_LINES = 1000;
const THEMES = ["system", "light", "dark"];
const PLACES = { o: "/console", g: "/console/graph", p: "/console/protection", t: "/console/traces", l: "/console/logs", c: "/console/contracts" };

// --- theme ---------------------------------------------------------------------------------------

const root = document.documentElement;
const theme = document.getElementById("theme");

function showTheme() {
  const now = root.dataset.theme || "system";
  theme.textContent = `Theme: ${now}`;
  theme.title = "Change between the system's theme, light and dark";
}

theme.hidden = false;
showTheme();
theme.addEventListener("click", () => {
  const next = THEMES[(THEMES.indexOf(root.dataset.theme || "system") + 1) % THEMES.length];
  if (next === "system") delete root.dataset.theme;
  else root.dataset.theme = next;
  try {
    if (next === "system") localStorage.removeItem("coterie-theme");
    else localStorage.setItem("coterie-theme", next);
  } catch {
    // It holds for this page, at least.
  }
  showTheme();
});

// --- patching ------------------------------------------------------------------------------------

// Makes the children of `old` like those of `fresh`, keeping what is the same: so focus, selection
// and scroll positions stay.
function patch(old, fresh) {
  const wanted = [...fresh.childNodes];
  const keyed = new Map();
  for (const child of old.children) {
    if (child.dataset.key) keyed.set(child.dataset.key, child);
  }
  let at = old.firstChild;
  for (const node of wanted) {
    const key = node.dataset && node.dataset.key;
    let match = key ? keyed.get(key) : at;
    if (key && match && match !== at) old.insertBefore(match, at);
    if (!key && match && match.dataset && match.dataset.key) match = null;
    if (match && match.nodeType === node.nodeType && match.nodeName === node.nodeName) {
      if (match === at) at = at.nextSibling;
      if (node.nodeType === Node.ELEMENT_NODE) {
        if (!match.isEqualNode(node)) {
          attributes(match, node);
          patch(match, node);
        }
      } else if (match.nodeValue !== node.nodeValue) {
        match.nodeValue = node.nodeValue;
      }
    } else {
      old.insertBefore(node, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function attributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function parsed(markup) {
  return new DOMParser().parseFromString(`<body>${markup}`, "text/html").body;
}

// --- the log -------------------------------------------------------------------------------------

const tail = document.getElementById("tail");
const pause = document.getElementById("pause");
let waiting = [];
let paused = false;

function atEnd() {
  return tail.scrollHeight - tail.scrollTop - tail.clientHeight < 40;
}

function append(rows) {
  const follow = atEnd();
  tail.append(...rows);
  while (tail.childElementCount > MOST_LINES) tail.firstElementChild.remove();
  if (follow) tail.scrollTop = tail.scrollHeight;
}

function showPause() {
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? (waiting.length ? `Resume, ${waiting.length} new` : "Resume") : "Pause";
}

function lines(event) {
  const rows = [...parsed(`<ol>${event.data}</ol>`).firstElementChild.children];
  tail.dataset.last = event.lastEventId;
  const nothing = document.querySelector("#log .empty");
  if (nothing) nothing.remove();
  if (!paused) {
    append(rows);
    return;
  }
  waiting = waiting.concat(rows).slice(-MOST_LINES);
  showPause();
}

if (tail) {
  tail.scrollTop = tail.scrollHeight;
  pause.hidden = false;
  showPause();
  pause.addEventListener("click", () => {
    paused = !paused;
    if (!paused) {
      append(waiting);
      waiting = [];
    }
    showPause();
  });
}

// --- what the server tells -----------------------------------------------------------------------

const main = document.getElementById("content");
const link = document.getElementById("link");
let stream = null;

function show(state, word) {
  link.hidden = false;
  link.className = `link-state ${state}`;
  link.textContent = word;
}

function part(event) {
  const cut = event.data.indexOf("\n");
  const place = document.getElementById(event.data.slice(0, cut));
  if (place) patch(place, parsed(event.data.slice(cut + 1)));
}

function listen() {
  if (stream) return;
  const address = new URL(location.href);
  address.hash = "";
  if (tail) address.searchParams.set("after", tail.dataset.last);
  stream = new EventSource(address);
  stream.addEventListener("open", () => show("live", "Live"));
  stream.addEventListener("part", part);
  stream.addEventListener("lines", lines);
  stream.addEventListener("error", () => {
    show("away", "Reconnecting");
    if (stream && stream.readyState === EventSource.CLOSED) {
      // Refused, not broken off: the browser would not try again by itself.
      silence();
      setTimeout(wake, 3000);
    }
  });
}

function silence() {
  if (stream) stream.close();
  stream = null;
}

function wake() {
  if (document.visibilityState === "visible") listen();
  else silence();
}

if (main.dataset.live !== undefined) {
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("pagehide", silence);
  window.addEventListener("pageshow", wake);
  wake();
}

// --- keys ----------------------------------------------------------------------------------------

let going = 0;

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    const field = document.querySelector("form.filter input:not([type=checkbox])");
    if (field) {
      event.preventDefault();
      field.focus();
    }
  } else if (event.key === "g") {
    going = event.timeStamp;
  } else if (going && event.timeStamp - going < 1500 && PLACES[event.key]) {
    location.assign(PLACES[event.key]);
  } else {
    going = 0;
  }
});
