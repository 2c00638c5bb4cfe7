// How many parts a text has: the same rule as messaging/sms_text.py, and a test holds the two together.
// Source: 3GPP TS 23.038 and 23.040.

const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const EXTENSION = new Set("^{}\\[~]|€\f");
const SINGLE = { "GSM-7": 160, "UCS-2": 70 };
const JOINED = { "GSM-7": 153, "UCS-2": 67 };

/** Measure a text: {encoding, units, parts, left}. `left` is what the last part still holds. */
export function describe(text) {
  // Spreading gives code points, so that an emoji is one sign of two units and never cut in half.
  const signs = [...text];
  const foreign = signs.some((sign) => !BASIC.has(sign) && !EXTENSION.has(sign));
  const encoding = foreign ? "UCS-2" : "GSM-7";
  const costs = signs.map((sign) => (foreign ? sign.length : EXTENSION.has(sign) ? 2 : 1));
  const units = costs.reduce((sum, cost) => sum + cost, 0);
  if (units <= SINGLE[encoding]) {
    return { encoding, units, parts: text ? 1 : 0, left: SINGLE[encoding] - units };
  }
  let parts = 1;
  let used = 0;
  for (const cost of costs) {
    if (used + cost > JOINED[encoding]) {
      parts += 1;
      used = 0;
    }
    used += cost;
  }
  return { encoding, units, parts, left: JOINED[encoding] - used };
}

/** The counter's words. */
export function inWords(text, limit) {
  const over = [...text].length - limit;
  if (over > 0) {
    return `Too long by ${over} ${over === 1 ? "character" : "characters"}`;
  }
  const { encoding, parts, left } = describe(text);
  if (!text) {
    return "160 characters a part";
  }
  const size = `${parts} ${parts === 1 ? "part" : "parts"}, ${left} left`;
  return encoding === "UCS-2" ? `${size} (a sign here makes parts shorter)` : size;
}
