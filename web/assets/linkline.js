// Every page: the NHS.UK components (skip link, buttons) come to life.
import { initAll } from "./nhsuk-frontend.min.js";

document.body.classList.add("js-enabled");
if ("noModule" in HTMLScriptElement.prototype) {
  document.body.classList.add("nhsuk-frontend-supported");
}
initAll();
