// Figures as they stand: tiles, hits of rules, and how far services are behind. What has the focus keeps it.

import { count, element, milliseconds, money, rate, share } from "./text.js";

const MOST_CURRENCIES = 3;
const find = (id) => document.getElementById(id);
const total = (numbers) => numbers.reduce((all, one) => all + one, 0);

// Each: its name, of what it is, and what it says as [value, unit] or several of these.
const TILES = [
  ["Transactions / s", "last 10 s", (told) => [[rate(told.per_second)]]],
  ["Fraud share", "last minute", (told) => [[share(told.fraud_share)]]],
  ["Stopped today", "since midnight UTC", (told) => stopped(told.stopped)],
  ["Latency p50", "end to end, 1 min", (told) => [milliseconds(told.p50_ms).split(" ")]],
  ["Latency p99", "end to end, 1 min", (told) => [milliseconds(told.p99_ms).split(" ")]],
  ["Dead letters", "last 15 minutes", (told) => [[count(told.counts["dead-letter"])]]],
  ["Lag", "all services", (told) => [[count(total(Object.values(told.lags).flatMap(Object.values)))]]],
  ["Open cases", "not resolved yet", (told) => [[told.cases === null ? "-" : count((told.cases.open ?? 0) + (told.cases.acknowledged ?? 0))]]],
];

function stopped(by) {
  const found = Object.entries(by).map(([currency, amount]) => [money(amount), currency]);
  if (found.length <= MOST_CURRENCIES) return found.length > 0 ? found : [["-"]];
  return [...found.slice(0, MOST_CURRENCIES), [`${count(found.length - MOST_CURRENCIES)} more`, "currencies"]];
}

const values = TILES.map(([name, note]) => {
  const tile = element("div");
  const value = element("dd", null, "value", ...(name === "Stopped today" ? ["money"] : []));
  tile.append(element("dt", name), value, element("dd", note, "note"));
  find("tiles").append(tile);
  return value;
});

export function show(told, pick) {
  TILES.forEach(([, , value], number) => {
    values[number].replaceChildren(...value(told).map(([figure, unit]) => {
      const line = element("span", figure, "figure");
      if (unit) line.append(" ", element("small", unit));
      return line;
    }));
    values[number].classList.toggle("many", value(told).length > 1);
  });
  hits(told.rules, pick);
  lags(told.lags);
}

// A line for each rule, and a bar of how much of all hits are its own; a click shows what it hit.
function hits(rules, pick) {
  const most = Math.max(1, ...Object.values(rules));
  lines("rules", Object.entries(rules), "no rule has hit", (rule) => {
    const open = element("button", rule);
    open.type = "button";
    open.title = `show what ${rule} hits`;
    open.addEventListener("click", () => pick(rule));
    return [open, element("span")];
  }, (line, number) => {
    line.lastElementChild.firstElementChild.textContent = count(number);
    line.firstElementChild.style.setProperty("--share", `${(100 * number) / most}%`);
  });
  const names = Object.keys(rules);
  const known = find("rule-names");
  if (names.join("\n") === [...known.children].map((option) => option.value).join("\n")) return;
  known.replaceChildren(...names.map((rule) => Object.assign(element("option"), { value: rule })));
}

function lags(by) {
  lines("lags", Object.entries(by), "not known yet", (service) => [element("span", service), element("span")], (line, places) => {
    line.firstElementChild.replaceChildren(line.dataset.key, element("small", Object.entries(places).map(([partition, lag]) => `p${partition}\u00a0${count(lag)}`).join("   ")));
    line.lastElementChild.textContent = count(total(Object.values(places)));
  });
}

// Brings the lines of a table to what there is; those that stay are the same elements.
function lines(id, entries, nothing, make, fill) {
  const before = new Map([...find(id).children].map((line) => [line.dataset.key, line]));
  const wanted = entries.map(([key, value]) => {
    const line = before.get(key) ?? made(key, make(key));
    fill(line, value);
    return line;
  });
  if (wanted.length === 0) wanted.push(before.get("") ?? made("", [nothing, ""]));
  if (wanted.length === find(id).childElementCount && wanted.every((line, number) => line === find(id).children[number])) return;
  const focused = document.activeElement;
  find(id).replaceChildren(...wanted);
  if (focused !== document.activeElement && find(id).contains(focused)) focused.focus();
}

function made(key, cells) {
  const line = element("tr");
  line.dataset.key = key;
  for (const content of cells) {
    const one = element("td");
    one.append(content);
    line.append(one);
  }
  return line;
}
