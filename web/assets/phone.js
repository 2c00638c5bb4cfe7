// The phone simulator, live. Each handset asks for its own texts once a second while the page is seen.
import { inWords } from "./sms-parts.js";
import { Composer, Poll, Thread, get, offer, post } from "./thread.js";

const EVERY_MS = 1000;

function bring(handset) {
  const { number, line, limit } = handset.dataset;
  const form = handset.querySelector(".ll-phone__form");
  const field = form.querySelector("textarea");
  const count = form.querySelector(".ll-count");
  const choices = form.querySelector(".ll-choices");
  const names = { patient: "Phone:", bot: "Line:", link_worker: "Link worker:" };
  const thread = new Thread(handset.querySelector(".ll-log"), (from) => names[from]);
  const address = `/phone/${encodeURIComponent(number)}/messages`;
  const draft = `linkline draft ${number}`;

  const poll = new Poll(
    async () => {
      const query = new URLSearchParams({ unsent: "1", to: line, after: thread.after });
      const messages = await get(`${address}?${query}`);
      if (messages && messages.length) {
        thread.show(messages, (message) => message.status_text);
        offer(choices, messages[messages.length - 1].choices, choose);
      }
    },
    () => EVERY_MS,
  );

  const composer = new Composer(field, form.querySelector(".ll-error"), {
    thread,
    takenWords: "Sent",
    check: (text) =>
      [...text].length > Number(limit)
        ? `This text is too long. It can be up to ${Number(limit).toLocaleString("en-GB")} characters.`
        : "",
    deliver: async (message) => {
      await post(address, { ...message, to: line });
      poll.keenly();
    },
  });

  function choose(choice) {
    composer.send(choice);
    field.focus();
  }

  // Adding a phone loads the page anew; what was being written on the others comes back.
  field.value = field.value || sessionStorage.getItem(draft) || "";
  field.addEventListener("input", () => {
    count.textContent = inWords(field.value, Number(limit));
    sessionStorage.setItem(draft, field.value);
  });
  field.dispatchEvent(new Event("input"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter && event.submitter.name === "choice") {
      choose(event.submitter.value);
    } else {
      composer.sendDraft();
    }
  });
  poll.now();
}

document.querySelectorAll(".ll-phone").forEach(bring);
