// Rules: those in force with what they do, and every version with what it has changed.

import { ask, badge, cell, count, day, element, moment, opening, terms } from "./text.js";

const find = (id) => document.getElementById(id);
const dialog = find("rule");
const COLUMNS = ["id", "mode", "severity", "score", "when"];
const second = (text) => moment(text).slice(0, 19);

export async function list() {
  const { found, problem } = await ask("/api/rules");
  const told = problem ?? found.problem ?? (found.current === null ? `nobody has put rules into ${found.topic} yet` : "");
  find("rules-told").textContent = told;
  const put = found?.current;
  find("rules-put").replaceChildren(...(put ? [terms([["Version", put.version], ["Since (UTC), by", `${second(put.at)}, ${put.author}`], ["Why", put.reason || "-"], ["Fraud from a score of", found.threshold ?? "-"], ["Judged by it", judged(put, found.judged)]])] : []));
  const lines = (found?.rules ?? []).map((rule) => ruleLine(rule, found.hits[rule.id] ?? {}));
  if (found?.left_out > 0) lines.push(spread(`${count(found.left_out)} more; python -m detector.rules has all of them`, 6));
  if (put && !found.rules?.length) lines.push(spread("none that can be shown one by one; the version has its text", 6));
  find("rules-in-force").replaceChildren(...lines);
  find("lists-card").hidden = !found?.lists?.length;
  find("lists").replaceChildren(...(found?.lists ?? []).map(listLine));
  find("versions").replaceChildren(...(found?.versions ?? []).map(versionLine));
}

// What is put in force is not yet what judges: detectors read at first what new rules look back to.
function judged(put, last) {
  if (!last) return "no fraud was seen today";
  const at = `${day(last.at_ms).slice(0, 19)} UTC`;
  if (last.version === put.version) return `yes, the last fraud at ${at}`;
  return `not seen yet: the last fraud, at ${at}, was found by ${last.version}. Detectors read at first what rules look back to; /readyz and their log say so`;
}

function spread(text, columns) {
  const made = element("tr");
  const cell = element("td", text);
  cell.colSpan = columns;
  made.append(cell);
  return made;
}

function ruleLine(rule, hits) {
  const made = opening(rule.id ?? "-", () => show(`Rule ${rule.id}`, ruleBody(rule, hits)));
  const when = rule.when ?? (rule.sequence ? `sequence ${rule.sequence}` : "-");
  const severity = rule.severity ? badge(rule.severity) : "-";
  made.append(cell(rule.mode), cell(severity), cell(rule.score, "number"), cell(hitsTold(hits), "number"), cell(when, "code"));
  if (rule.mode !== "active") made.classList.add("quiet");
  return made;
}

function hitsTold(hits) {
  const parts = Object.entries(hits).map(([standing, number]) => (standing === "counted" ? count(number) : `${count(number)} ${standing}`));
  return parts.length > 0 ? parts.join(", ") : "0";
}

function ruleBody(rule, hits) {
  const more = Object.entries(rule).filter(([name]) => !COLUMNS.includes(name));
  const first = COLUMNS.filter((name) => rule[name] !== undefined).map((name) => [name, rule[name]]);
  return [terms([...first, ["hits, 15 min", hitsTold(hits)], ...more])];
}

function listLine(one) {
  const { id, type, on, ...more } = one;
  const made = element("tr");
  const told = Object.entries(more).map(([name, value]) => `${name}: ${value}`).join("; ");
  made.append(element("td", id ?? "-"), element("td", type ?? "-"), element("td", on ?? "-"), element("td", told));
  return made;
}

function versionLine(one) {
  const made = opening(one.version, () => version(one));
  made.append(element("td", second(one.at)), element("td", one.author), element("td", one.current ? `in force. ${one.reason}` : one.reason));
  return made;
}

async function version(one) {
  show(`Version ${one.version}`, [element("p", "reading")]);
  const { found, problem } = await ask(`/api/rules/${encodeURIComponent(one.version)}`);
  find("rule-body").replaceChildren(...(problem ? [element("p", problem)] : versionBody(found)));
}

function versionBody(found) {
  const made = [terms([["Since (UTC), by", `${second(found.at)}, ${found.author}`], ["Why", found.reason || "-"], ["Before it", found.previous ?? "nothing"]])];
  if (found.changes !== null) {
    made.push(element("h3", "What it has changed"));
    const lines = element("pre");
    for (const line of found.changes) lines.append(element("span", `${line}\n`, kind(line)));
    made.push(found.changes.length > 0 ? lines : element("p", "nothing"));
  }
  for (const [name, text] of Object.entries(found.texts)) made.push(element("h3", name), element("pre", text));
  return made;
}

function kind(line) {
  if (line.startsWith("+++") || line.startsWith("---") || line.startsWith("@@")) return "about";
  if (line.startsWith("+")) return "added";
  return line.startsWith("-") ? "removed" : "same";
}

function show(title, body) {
  find("rule-title").textContent = title;
  find("rule-body").replaceChildren(...body);
  if (!dialog.open) dialog.showModal();
}
