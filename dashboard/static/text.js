// How figures read, and elements that hold text: whatever stands in a transaction, it is never taken for markup.

const whole = new Intl.NumberFormat("en");
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 2 });

export const count = (value) => whole.format(value);
export const rate = (value) => tenths.format(value);
export const share = (value) => (value === null ? "-" : percent.format(value));
export const milliseconds = (value) => {
  if (value === null) return "-";
  return value < 10_000 ? `${whole.format(Math.round(value))} ms` : `${whole.format(Math.round(value / 1000))} s`;
};
// Amounts are exact text; a number would lose digits.
export const money = (amount) => amount.replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",");
export const clock = (milliseconds_) => {
  const moment = new Date(milliseconds_);
  return Number.isNaN(moment.getTime()) ? "-" : moment.toISOString().slice(11, 23);
};

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

export function terms(pairs) {
  const list = element("dl");
  for (const [name, value] of pairs) {
    const told = element("dd");
    told.append(value ?? ""); // a text, or an element
    list.append(element("dt", name), told);
  }
  return list;
}
