"use strict";

const link = document.getElementById("document");
const select = document.getElementById("service");

const ui = SwaggerUIBundle({
  url: link.href,
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  showExtensions: true,
  validatorUrl: "none",
});

if (select !== null) {
  // Resolved now: relative addresses mean something else once the page's own has changed.
  const icon = document.querySelector("link[rel=icon]");
  icon.href = new URL(icon.href).href;
  const services = Array.from(select.options, (option) => ({
    document: new URL(option.value, location.href).href,
    page: new URL(option.dataset.page, location.href).href,
  }));
  // Shown in place rather than loaded anew: who has logged in stays logged in.
  select.addEventListener("change", () => {
    const chosen = services[select.selectedIndex];
    history.replaceState(null, "", chosen.page);
    link.href = chosen.document;
    ui.specActions.updateUrl(chosen.document);
    ui.specActions.download(chosen.document);
  });
}
