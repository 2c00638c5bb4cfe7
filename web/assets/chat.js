// The chat page, live. Without this script the same page works by plain forms.
import { Composer, Poll, Thread, get, offer, post } from "./thread.js";

const box = document.getElementById("chat");
const field = document.getElementById("text");
const count = document.getElementById("count");
const choices = document.getElementById("choices");
const said = document.getElementById("said");
const limit = Number(box.dataset.limit);
const WARN_BELOW = 500;

const names = { patient: "You:", bot: "Linkline:", link_worker: "Link worker:" };
const thread = new Thread(document.getElementById("log"), (from) => names[from]);
let lastNews = Date.now();

function smallPrint(message) {
  const time = new Date(message.at).toLocaleTimeString("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    timeZone: "Europe/London",
  });
  const lead = { patient: "We have your message, ", link_worker: "Link worker, " };
  return `${lead[message.from] || ""}${time}`;
}

async function look() {
  const messages = await get(`/chat/messages?after=${thread.after}`);
  if (messages && messages.length) {
    lastNews = Date.now();
    said.textContent = "";
    thread.show(messages, smallPrint);
    offer(choices, messages[messages.length - 1].choices, choose);
  }
}

// Often while people talk, seldom when the page is only left open.
function wait() {
  const quiet = Date.now() - lastNews;
  return quiet < 60_000 ? 1000 : quiet < 600_000 ? 3000 : 10_000;
}

const poll = new Poll(look, wait);

const composer = new Composer(field, document.getElementById("problem"), {
  thread,
  takenWords: "We have your message",
  check: (text) =>
    [...text].length > limit
      ? `This message is too long. It can be up to ${limit.toLocaleString("en-GB")} characters. Please send it in two.`
      : "",
  deliver: async (message) => {
    await post("/chat/messages", message);
    lastNews = Date.now();
    said.textContent = "We have your message.";
    poll.keenly();
  },
});

function choose(choice) {
  composer.send(choice);
  field.focus();
}

field.addEventListener("input", () => {
  const left = limit - [...field.value].length;
  if (left < 0) {
    count.textContent = `Too long by ${-left} ${left === -1 ? "character" : "characters"}`;
  } else if (left < WARN_BELOW) {
    count.textContent = `${left} characters left`;
  } else {
    count.textContent = "Press Enter to send";
  }
});
field.dispatchEvent(new Event("input"));

document.getElementById("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  composer.sendDraft();
});
choices.addEventListener("submit", (event) => {
  event.preventDefault();
  choose(event.submitter.value);
});

poll.now();
