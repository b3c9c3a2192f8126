// Rules: those in force with what they do, and every version with what it has changed.

import { ask, badge, cell, count, element, labelled, moment, opening, terms } from "./text.js";
import { follow } from "./warming.js";

const find = (id) => document.getElementById(id);
const dialog = find("rule");
const LOOK_MS = 3_000;
const COLUMNS = ["id", "mode", "severity", "score", "when"];
const second = (text) => moment(text).slice(0, 19);

let shown = null; // the record by which what is shown was put in force
let timer = 0;

export async function list() {
  const { found, problem } = await ask("/api/rules");
  const told = problem ?? found.problem ?? (found.current === null ? `nobody has put rules into ${found.topic} yet` : "");
  find("rules-told").textContent = told;
  const put = found?.current;
  shown = found?.put ?? null;
  find("rules-put").replaceChildren(...(put ? [terms(putTerms(put, found))] : []));
  const lines = (found?.rules ?? []).map(ruleLine);
  if (found?.left_out > 0) lines.push(spread(`${count(found.left_out)} more; python -m detector.rules has all of them`, 7));
  if (put && !found.rules?.length) lines.push(spread("none that can be shown one by one; the version has its text", 7));
  fill("rules-in-force", lines);
  find("lists-card").hidden = !found?.lists?.length;
  fill("lists", (found?.lists ?? []).map(listLine));
  fill("versions", (found?.versions ?? []).map(versionLine));
  if (found) follow(found);
  clearTimeout(timer);
  timer = setTimeout(look, LOOK_MS);
}

// What changes while one looks is told where it stands: lines stay, and with them what is chosen or read.
async function look() {
  if (find("rules-page").hidden) return; // whoever turns to it looks all up
  if (document.hidden) timer = setTimeout(look, LOOK_MS);
  else {
    const { found } = await ask("/api/rules/standing");
    if (found && found.put !== shown) return list();
    if (found) follow(found);
    clearTimeout(timer);
    timer = setTimeout(look, LOOK_MS);
  }
}

function putTerms(put, found) {
  const variables = found.variables ? [["Variables", found.variables]] : [];
  const last = element("span", "", "last");
  const where = element("div", null, "where");
  return [["Version", put.version], ["Since (UTC), by", `${second(put.at)}, ${put.author}`], ["Why", put.reason || "-"], ["Fraud from a score of", found.threshold ?? "-"], ...variables, ["Judged by it", where], ["Last fraud", last]];
}

function fill(id, lines) {
  find(id).replaceChildren(...labelled(find(id), lines));
}

function spread(text, columns) {
  const made = element("tr");
  const cell = element("td", text);
  cell.colSpan = columns;
  made.append(cell);
  return made;
}

function ruleLine(rule) {
  const made = opening(rule.id ?? "-", () => show(`Rule ${rule.id}`, ruleBody(rule, made)));
  const when = rule.when ?? (rule.sequence ? `sequence ${rule.sequence}` : "-");
  const severity = rule.severity ? badge(rule.severity) : "-";
  made.dataset.rule = rule.id ?? "";
  made.append(cell(rule.mode), cell(""), cell(severity), cell(rule.score, "number"), cell("", "number", "hits"), cell(when, "code"));
  made.cells[2].append(element("span", "", "by"));
  if (rule.mode !== "active") made.classList.add("quiet");
  return made;
}

function ruleBody(rule, line) {
  const more = Object.entries(rule).filter(([name]) => !COLUMNS.includes(name));
  const first = COLUMNS.filter((name) => rule[name] !== undefined).map((name) => [name, rule[name]]);
  const now = [["judged by", line.querySelector(".by").textContent], ["hits, 15 min", line.querySelector(".hits").textContent]];
  return [terms([...first, ...now, ...more])];
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
  made.dataset.version = one.version;
  made.append(cell("-", "by"), cell(second(one.at)), cell(one.author), cell(one.current ? `in force. ${one.reason}` : one.reason));
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
