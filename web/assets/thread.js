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

/** Ask again and again while somebody can see the page; `wait()` says how many milliseconds from now. */
export class Poll {
  constructor(ask, wait) {
    this.ask = ask;
    this.wait = wait;
    this.timer = 0;
    this.running = null;
    document.addEventListener("visibilitychange", () => this.now());
    window.addEventListener("online", () => this.now());
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
    this.timer = setTimeout(() => this.now(), this.wait());
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
      const item = here || this.add(message);
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

  add(message) {
    const item = document.createElement("li");
    item.className = `ll-text ll-text--${message.from === "patient" ? "mine" : "theirs"}`;
    item.dataset.n = message.n;
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
    this.list.append(item);
    return item;
  }

  scrollDown() {
    this.log.scrollTop = this.log.scrollHeight;
  }
}

/** Show the choices of the last text as buttons; with none, show nothing. */
export function offer(box, choices, choose) {
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

/** A composer: keeps the draft until the server has it, and a second try is the same message. */
export class Composer {
  constructor(field, problem, deliver) {
    this.field = field;
    this.problem = problem;
    this.deliver = deliver;
    this.tried = { text: null, id: "" };
    this.busy = false;
    field.addEventListener("keydown", (event) => {
      // While a word is being composed (Chinese, Japanese ...) Enter belongs to the keyboard.
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.sendDraft();
      }
    });
  }

  async sendDraft() {
    const text = this.field.value;
    if (!text.trim()) {
      this.complain("Write a message first.");
      this.field.focus();
      return;
    }
    const sent = await this.send(text);
    // What was typed meanwhile stays.
    if (sent && this.field.value === text) {
      this.field.value = "";
      this.field.dispatchEvent(new Event("input"));
    }
    this.field.focus();
  }

  /** Whether the server has the text now. */
  async send(text) {
    if (this.busy) {
      return false;
    }
    this.busy = true;
    if (this.tried.text !== text) {
      this.tried = { text, id: newId() };
    }
    try {
      await this.deliver({ id: this.tried.id, text });
      this.tried = { text: null, id: "" };
      this.complain("");
      return true;
    } catch (error) {
      this.complain(error.message);
      return false;
    } finally {
      this.busy = false;
    }
  }

  complain(words) {
    this.problem.textContent = words;
    this.problem.hidden = !words;
    this.field.toggleAttribute("aria-invalid", Boolean(words));
    if (words) {
      this.field.setAttribute("aria-invalid", "true");
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
