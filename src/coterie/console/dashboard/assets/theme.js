// The theme that was chosen, before anything is drawn: "light", "dark", or the system's own.
"use strict";

(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("coterie-theme");
  } catch {
    // No storage for this page: the system's own theme it is.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
