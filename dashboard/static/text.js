// How figures read, and elements that hold text: whatever stands in a transaction, it is never taken for markup.

const whole = new Intl.NumberFormat("en");
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 2 });

export const count = (value) => whole.format(value);
export const rate = (value) => tenths.format(value);
export const share = (value) => (value === null ? "-" : percent.format(value));
export const milliseconds = (value) => {
  if (value === null) return "-";
  if (value < 1_000) return `${whole.format(Math.round(value))} ms`;
  return value < 10_000 ? `${tenths.format(value / 1000)} s` : `${whole.format(Math.round(value / 1000))} s`;
};
// Amounts are exact text; a number would lose digits.
export const money = (amount) => amount.replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",");
export const clock = (milliseconds_) => {
  const moment = new Date(milliseconds_);
  return Number.isNaN(moment.getTime()) ? "-" : moment.toISOString().slice(11, 23);
};

// A moment as ISO 8601 tells it, of UTC, for people: without what is zero behind the milliseconds.
export const moment = (text) => text.replace("T", " ").replace(/(\.\d{3})\d*/, "$1").replace(/\.000(?=Z|$)/, "").replace(/Z$/, "");
export const day = (milliseconds_) => {
  const found = new Date(milliseconds_);
  return Number.isNaN(found.getTime()) ? "-" : moment(found.toISOString());
};

const DEEPEST = 32; // what is nested further would be more blanks than text

// JSON on lines of its own, character by character as it stands but for blanks between; null where it is none.
export function laidOut(text) {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  let depth = 0;
  let deepest = 0;
  const line = () => `\n${"  ".repeat(Math.min(depth, DEEPEST))}`;
  const laid = text.replace(/"(?:[^"\\]|\\.)*"|[^\s"[\]{},:]+|[[\]{},:]|\s+/g, (token, at) => {
    if (/^\s/.test(token)) return "";
    if (token === ":") return ": ";
    if (token === ",") return `,${line()}`;
    if (token === "{" || token === "[") {
      if (/^[{[]\s*[}\]]/.test(text.slice(at, at + 100))) return token;
      depth += 1;
      deepest = Math.max(deepest, depth);
      return token + line();
    }
    if (token === "}" || token === "]") {
      if (/[{[]\s*$/.test(text.slice(Math.max(0, at - 99), at))) return token;
      depth -= 1;
      return line() + token;
    }
    return token;
  });
  return deepest > DEEPEST ? null : laid;
}

// The members of a JSON object, each value as the text it is written as: a number would lose digits, where the browser
// does not tell how it is written. Null where it is none.
export function membersOf(text) {
  try {
    const exact = (_, value, context) => (typeof value === "number" && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value);
    const found = JSON.parse(text, exact);
    if (found === null || typeof found !== "object" || Array.isArray(found)) return null;
    return Object.entries(found).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  } catch {
    return null;
  }
}

export function element(name, text = null, ...classes) {
  const made = document.createElement(name);
  if (text !== null) made.textContent = text;
  made.classList.add(...classes);
  return made;
}

// Why an answer is none: as it says itself, where it does.
export function problem(answer, found) {
  if (!answer) return "the dashboard does not answer";
  return typeof found?.detail === "string" ? found.detail : "it was refused";
}

// What names somebody or something may be long: it is cut on the page, whole where the pointer rests and when it is opened.
export function cut(text, ...classes) {
  const made = element("span", text ?? "-", "cut", ...classes);
  if (text && text.length > 12) made.title = text;
  return made;
}

export function cell(content, ...classes) {
  const made = element("td", null, ...classes);
  made.append(content ?? "-");
  return made;
}

const KINDS = new Set(["legit", "fraud", "dead-letter", "low", "medium", "high", "critical"]);
export const badge = (name) => element("span", name, "badge", ...(KINDS.has(name) ? [name] : []));

// A line that is opened by a button in its first cell, or by a click anywhere.
export function opening(text, open, ...classes) {
  const made = element("tr", null, ...classes);
  const button = element("button", text);
  button.type = "button";
  made.addEventListener("click", open);
  made.append(cell(button));
  return made;
}

// Lines of a table. On a telephone each cell is a line of its own and says what it is; what is shown so has to say, too,
// that it is a table.
export function labelled(body, lines) {
  const names = Array.from(body.closest("table").tHead.rows[0].cells, (one) => one.textContent);
  for (const line of lines) {
    line.setAttribute("role", "row");
    for (const [at, one] of Array.from(line.cells).entries()) {
      one.setAttribute("role", "cell");
      if (one.colSpan === 1) one.dataset.label = names[at];
    }
  }
  return lines;
}

export async function ask(path) {
  const answer = await fetch(path).catch(() => null);
  const found = await answer?.json().catch(() => null);
  return answer?.ok ? { found } : { problem: problem(answer, found) };
}

export function terms(pairs) {
  const list = element("dl");
  for (const [name, value] of pairs) {
    const told = element("dd");
    told.append(value ?? ""); // a text, or an element
    list.append(element("dt", name), told);
  }
  return list;
}
