// Cases: which there are, what is in one, and what somebody does to it.

import { ask, badge, cell, count, cut, element, labelled, moment, money, opening, problem, terms } from "./text.js";

const find = (id) => document.getElementById(id);
const body = find("cases");
const told = find("cases-told");
const dialog = find("case");
const KEY = "fraud-dashboard-who";

const PAGE = 50; // as many as the interface tells at once
let listed = 0;

export async function list() {
  const mine = ++listed;
  const { found, problem: why } = await ask(`/api/cases?state=${encodeURIComponent(find("case-state").value)}`);
  if (mine !== listed) return; // another list was asked for meanwhile
  body.replaceChildren(...labelled(body, (found ?? []).map(line)));
  told.textContent = why ?? (found.length === 0 ? "There are no such cases." : "");
  older(found ?? []);
}

function older(found) {
  find("cases-older").hidden = found.length < PAGE;
  find("cases-older").dataset.before = found.at(-1)?.id ?? "";
}

async function more() {
  const mine = listed;
  const { found, problem: why } = await ask(`/api/cases?state=${encodeURIComponent(find("case-state").value)}&before=${find("cases-older").dataset.before}`);
  if (mine !== listed) return;
  told.textContent = why ?? "";
  if (!found) return;
  const lines = labelled(body, found.map(line));
  body.append(...lines);
  lines[0]?.querySelector("button").focus();
  older(found);
}

function line(one) {
  const made = opening(`case ${one.id}`, () => show(one.id), one.severity);
  made.append(cell(badge(one.severity)), cell(one.state), cell(cut(subject(one), "long")), cell(count(one.alerts), "number"), cell(one.score, "number"), cell(second(one.last), "time"));
  return made;
}

const subject = (one) => Object.entries(one.subject).map(([name, value]) => `${name} ${value}`).join(", ");
const second = (text) => moment(text).slice(0, 19);

export async function show(number) {
  find("case-title").textContent = `Case ${number}`;
  find("case-problem").textContent = "";
  find("case-body").replaceChildren(element("p", "reading"));
  find("case-form").dataset.number = number;
  find("case-who").value = localStorage.getItem(KEY) ?? "";
  if (!dialog.open) dialog.showModal();
  const { found, problem: why } = await ask(`/api/cases/${number}`);
  if (find("case-form").dataset.number !== String(number)) return; // another one was opened meanwhile
  if (found) fill(found);
  else find("case-body").replaceChildren(element("p", why));
}

function fill({ case: one, alerts, steps }) {
  const pending = one.state === "open" || one.state === "acknowledged";
  const released = steps.some((step) => step.what === "released");
  const possible = { acknowledge: one.state === "open", release: one.state === "false-alarm" && !released, notes: true };
  for (const button of find("case-form").querySelectorAll("button[data-verb]")) button.disabled = !(possible[button.dataset.verb] ?? pending);
  find("case-release").disabled = !pending;
  find("case-settle").hidden = one.state !== "false-alarm" || released;
  const between = one.first === one.last ? second(one.last) : `${second(one.first)} to ${second(one.last)}`;
  const made = [terms([["About", subject(one)], ["State", one.state], ["Severity, score", `${one.severity}, ${one.score}`], ["Alerts", count(one.alerts)], ["When (UTC)", between]])];
  if (steps.length > 0) made.push(element("h3", "What people did"), terms(steps.map((step) => [second(step.at), `${step.what} by ${step.who}${step.note ? `: ${step.note}` : ""}`])));
  made.push(element("h3", alerts.length < one.alerts ? `The latest ${count(alerts.length)} alerts` : "Alerts"));
  for (const alert of alerts) {
    const section = element("section", null, "hit");
    section.append(element("p", `${second(alert.time)}  ${money(alert.amount)} ${alert.currency}  ${alert.source ?? ""} \u2192 ${alert.target}`, "alert"));
    const hits = reasons(alert.content);
    if (hits.length > 0) section.append(terms(hits));
    made.push(section);
  }
  find("case-body").replaceChildren(...made);
}

function reasons(content) {
  try {
    return JSON.parse(content).verdict.hits.filter((hit) => hit.standing === undefined).map((hit) => [String(hit.rule), String(hit.message)]);
  } catch {
    return []; // of a newer version, or no JSON
  }
}

async function act(button) {
  const form = find("case-form");
  const who = find("case-who").value.trim();
  if (!form.reportValidity()) return;
  localStorage.setItem(KEY, who);
  const asked = { by: who, note: find("case-note").value };
  if (button.dataset.finding) asked.finding = button.dataset.finding;
  if (button.dataset.finding === "false-alarm") asked.release = find("case-release").checked;
  const number = form.dataset.number;
  const headers = { "Content-Type": "application/json", "X-Dashboard": "1" };
  const answer = await fetch(`/api/cases/${number}/${button.dataset.verb}`, { method: "POST", headers, body: JSON.stringify(asked) }).catch(() => null);
  const found = await answer?.json().catch(() => null);
  find("case-problem").textContent = answer?.ok ? "" : problem(answer, found);
  if (!answer?.ok) return;
  find("case-note").value = "";
  await Promise.all([show(Number(number)), list()]);
}

for (const button of find("case-form").querySelectorAll("button[data-verb]")) button.addEventListener("click", () => act(button));
find("case-state").addEventListener("change", list);
find("cases-older").addEventListener("click", more);
// Closed, it is no more what the address names, so that the same link opens it again.
dialog.addEventListener("close", () => { if (location.hash.startsWith("#cases/")) history.replaceState(null, "", "#cases"); });
