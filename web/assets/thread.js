// What the chat and the phone simulator share: a thread that grows, and a message that is never lost.

const PATIENCE_MS = 10000;

/** Post a message. Resolves once the server has it; otherwise rejects with words for people. */
export async function post(url, body) {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new Error("Your message has not been sent. It is still here. Check that you are online, then send it again.");
  }
  if (!answer.ok) {
    let words = "";
    try {
      words = (await answer.json()).error;
    } catch {
      // Not our JSON: something between us and the server answered.
    }
    throw new Error(words || "Your message has not been sent. It is still here. Please send it again.");
  }
}

/** The messages behind an address, or null when there is no answer now. */
export async function get(url) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    return answer.ok ? (await answer.json()).messages : null;
  } catch {
    return null;
  }
}

// An answer to a message is looked for more often for a short while.
const KEEN_FOR_MS = 5000;
const KEEN_EVERY_MS = 400;

/** Ask again and again while somebody can see the page; `wait()` says how many milliseconds from now. */
export class Poll {
  constructor(ask, wait) {
    this.ask = ask;
    this.wait = wait;
    this.timer = 0;
    this.running = null;
    this.keenUntil = 0;
    document.addEventListener("visibilitychange", () => this.now());
    window.addEventListener("online", () => this.now());
  }

  /** Something has been sent: ask at once, and often for a while. */
  keenly() {
    this.keenUntil = Date.now() + KEEN_FOR_MS;
    this.now();
  }

  /** Ask at once, after the request that is under way, and go on from there. */
  async now() {
    clearTimeout(this.timer);
    while (this.running) {
      await this.running;
    }
    if (document.hidden) {
      return;
    }
    this.running = this.ask();
    await this.running;
    this.running = null;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(), Date.now() < this.keenUntil ? KEEN_EVERY_MS : this.wait());
  }
}

/** The list of texts in a log, kept in the order of their numbers. */
export class Thread {
  constructor(log, speaker) {
    this.log = log;
    this.list = log.querySelector(".ll-thread");
    this.empty = log.querySelector(".ll-log__empty");
    this.speaker = speaker;
    this.scrollDown();
  }

  /** The number of the last text that is here. */
  get last() {
    return Math.max(0, ...this.items().map((item) => Number(item.dataset.n)));
  }

  /** Ask for what comes after this: the last text, or the one before the first that may still change. */
  get after() {
    const unsettled = this.items().filter((item) => "unsettled" in item.dataset);
    return unsettled.length ? Math.min(...unsettled.map((item) => Number(item.dataset.n))) - 1 : this.last;
  }

  items() {
    return [...this.list.querySelectorAll("[data-n]")];
  }

  /** Show these texts; one that is here already only has its line of small print changed. */
  show(messages, smallPrint) {
    const before = this.last;
    for (const message of messages) {
      const here = this.list.querySelector(`[data-n="${message.n}"]`);
      const item = here || this.arrive(message);
      const words = smallPrint(message);
      const meta = item.querySelector(".ll-text__meta");
      if (meta.textContent.trim() !== words) {
        meta.textContent = words;
      }
      item.toggleAttribute("data-unsettled", message.settled === false);
      item.classList.toggle("ll-text--unsent", message.unsent === true);
    }
    this.empty.hidden = this.list.children.length > 0;
    if (this.last > before) {
      this.scrollDown();
    }
  }

  /** Show a text of this person's that is on its way to the server; returns what to give to drop(). */
  pend(text) {
    const item = this.make({ from: "patient", text });
    item.classList.add("ll-text--pending");
    // It is read out once, when the server has it.
    item.setAttribute("aria-hidden", "true");
    item.querySelector(".ll-text__meta").textContent = "Sending";
    this.list.append(item);
    this.empty.hidden = true;
    this.scrollDown();
    return item;
  }

  /** The server has it; it stays as it is until it comes back with its place in the thread. */
  taken(item, words) {
    item.dataset.taken = "";
    item.querySelector(".ll-text__meta").textContent = words;
  }

  /** It was not sent: its words are in the composer again. */
  drop(item) {
    item.remove();
    this.empty.hidden = this.list.children.length > 0;
  }

  arrive(message) {
    const pending = [...this.list.querySelectorAll(".ll-text--pending")];
    if (message.from === "patient") {
      const same = pending.find((item) => item.querySelector(".ll-text__words").textContent === message.text);
      same?.remove();
    }
    const item = this.make(message);
    item.dataset.n = message.n;
    this.list.insertBefore(item, this.list.querySelector(".ll-text--pending"));
    return item;
  }

  make(message) {
    const item = document.createElement("li");
    item.className = `ll-text ll-text--${message.from === "patient" ? "mine" : "theirs"}`;
    const bubble = document.createElement("div");
    bubble.className = "ll-text__bubble";
    const who = document.createElement("span");
    who.className = "nhsuk-u-visually-hidden";
    who.textContent = `${this.speaker(message.from)} `;
    const words = document.createElement("span");
    words.className = "ll-text__words";
    words.textContent = message.text;
    bubble.append(who, words);
    const meta = document.createElement("p");
    meta.className = "ll-text__meta";
    item.append(bubble, meta);
    return item;
  }

  scrollDown() {
    this.log.scrollTop = this.log.scrollHeight;
  }
}

/** Show the choices of the last text as buttons; with none, show nothing. */
export function offer(box, choices, choose) {
  const here = [...box.querySelectorAll(".ll-choice")].map((button) => button.textContent);
  // The same again: leave them, or the keyboard would lose its place.
  if (!box.hidden && here.join("\n") === choices.join("\n")) {
    return;
  }
  box.querySelectorAll(".ll-choice").forEach((button) => button.remove());
  for (const choice of choices) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "ll-choice";
    button.textContent = choice;
    button.addEventListener("click", () => choose(choice));
    box.append(button);
  }
  box.hidden = choices.length === 0;
}

/**
 * A composer. Texts go out one after the other, in the order they were written. What could not be
 * sent is in the field again, and sending it again is the same message, so that it cannot come twice.
 */
export class Composer {
  constructor(field, problem, { thread, check, deliver, takenWords }) {
    Object.assign(this, { field, problem, thread, check, deliver, takenWords });
    this.ids = new Map();
    this.waiting = 0;
    this.broughtBack = "";
    this.queue = Promise.resolve();
    field.addEventListener("keydown", (event) => {
      // While a word is being composed (Chinese, Japanese ...) Enter belongs to the keyboard.
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.sendDraft();
      }
    });
  }

  /** Send what is in the field, which is then free for the next message. */
  sendDraft() {
    const text = this.field.value;
    this.field.focus();
    if (!text.trim()) {
      // Enter pressed twice is no mistake.
      if (!this.waiting) {
        this.complain("Write a message first.");
      }
      return;
    }
    const wrong = this.check(text);
    if (wrong) {
      this.complain(wrong);
      return;
    }
    this.fill("");
    this.broughtBack = "";
    this.send(text);
  }

  send(text) {
    const item = this.thread.pend(text);
    this.waiting += 1;
    this.queue = this.queue.then(() => this.attempt(text, item)).finally(() => (this.waiting -= 1));
  }

  async attempt(text, item) {
    const id = this.ids.get(text) || newId();
    this.ids.set(text, id);
    try {
      await this.deliver({ id, text });
      this.ids.delete(text);
      this.thread.taken(item, this.takenWords);
      this.complain("");
    } catch (error) {
      this.thread.drop(item);
      this.bringBack(text);
      this.complain(error.message);
    }
  }

  /** Before what has been written since, and behind what came back before it. */
  bringBack(text) {
    const now = this.field.value;
    const before = `${now}\n`.startsWith(this.broughtBack) ? this.broughtBack : "";
    const since = now.slice(before.length);
    this.broughtBack = `${before}${text}\n`;
    this.fill(since ? this.broughtBack + since : this.broughtBack.slice(0, -1));
  }

  fill(text) {
    this.field.value = text;
    this.field.dispatchEvent(new Event("input"));
  }

  complain(words) {
    this.problem.textContent = words;
    this.problem.hidden = !words;
    if (words) {
      this.field.setAttribute("aria-invalid", "true");
    } else {
      this.field.removeAttribute("aria-invalid");
    }
  }
}

function newId() {
  // randomUUID is there only on https and localhost.
  if (crypto.randomUUID) {
    return crypto.randomUUID();
  }
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
