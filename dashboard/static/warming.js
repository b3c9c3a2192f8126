// How far the version in force has got, and what its rules do: told where it stands, while somebody looks.

import { count, day, element } from "./text.js";

const find = (id) => document.getElementById(id);

export function follow({ warming, hits, judged }) {
  tell(find("rules-standing"), warming ? standing(warming) : "");
  find("rules-standing").classList.toggle("warming", Boolean(warming && !ready(warming)));
  const where = document.querySelector("#rules-put .where");
  if (where) where.replaceChildren(...places(warming));
  const last = document.querySelector("#rules-put .last");
  if (last) tell(last, lastFraud(judged, warming?.version));
  for (const line of find("rules-in-force").rows) {
    if (!line.dataset.rule) continue;
    tell(line.querySelector(".hits"), hitsTold(of(hits, line.dataset.rule) ?? {}));
    follows(line.querySelector(".by"), warming, of(warming?.rules, line.dataset.rule));
  }
  for (const line of find("versions").rows) {
    const by = of(warming?.versions, line.dataset.version) ?? 0;
    tell(line.querySelector(".by"), by > 0 ? share(by, warming.partitions) : "-");
  }
}

// Where nothing is new nothing is written: a screen reader would read it again.
function tell(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

const of = (told, name) => (told && Object.hasOwn(told, name) ? told[name] : undefined); // a rule may have any name
const share = (number, all) => `${count(number)} of ${count(all)} partition${all === 1 ? "" : "s"}`;
const ready = (warming) => !warming.standings.warming && !warming.standings.refuses;

function standing({ standings, partitions, detectors }) {
  const by = `${share(standings.judges ?? 0, partitions)} judge${partitions === 1 ? "s" : ""} by it`;
  const idle = standings.idle > 0 ? `; nothing has come to ${standings.idle === partitions ? "any" : count(standings.idle)} since` : "";
  if (standings.refuses > 0) return `Not used: ${by}${idle}. ${count(standings.refuses)} cannot use it and stay with a version before; the detectors' log says why.`;
  if (!(standings.warming > 0)) return standings.idle > 0 ? `In force: ${by}${idle}.` : `Ready: ${by}.`;
  return `Warming: ${by}${idle}. ${detectors > 0 ? "Nothing is judged by new rules before detectors have read what they look back to" : "No detector runs"}.`;
}

// A rule that is new, or another than it was, is judged by where its version is.
function follows(place, warming, number) {
  if (!warming) return tell(place, "-");
  const by = share(number ?? warming.partitions, warming.partitions);
  const isWarming = number !== undefined && !ready(warming);
  tell(place, isWarming ? `warming: ${by}` : by);
  place.classList.toggle("warming", isWarming);
}

function places(warming) {
  if (!warming) return ["this cannot be told now: Kafka does not say how far detectors are"];
  const { standings, partitions, behind } = warming;
  const made = [element("span", share(standings.judges ?? 0, partitions))];
  for (const by of new Set(behind.map((one) => one.by))) {
    const same = behind.filter((one) => one.by === by);
    const list = element("ul", null, "places");
    for (const one of same) list.append(element("li", `${one.topic} ${one.partition}: ${one.waiting > 0 ? `${count(one.waiting)} wait` : "none waits"}`));
    made.push(element("p", by ? `${count(same.length)} by version ${by}` : `${count(same.length)} by none yet`), list);
  }
  return made;
}

function lastFraud(last, version) {
  if (!last) return "none was seen today";
  const at = `${day(last.at_ms).slice(0, 19)} UTC`;
  return `${at}, found by ${last.version === version ? "this version" : `version ${last.version}`}`;
}

function hitsTold(hits) {
  const parts = Object.entries(hits).map(([standing, number]) => (standing === "counted" ? count(number) : `${count(number)} ${standing}`));
  return parts.length > 0 ? parts.join(", ") : "0";
}
