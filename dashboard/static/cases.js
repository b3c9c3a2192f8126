// Cases: which there are, what is in one, and what somebody does to it.

import { count, element, money, problem, terms } from "./text.js";

const find = (id) => document.getElementById(id);
const body = find("cases");
const told = find("cases-told");
const dialog = find("case");
const KEY = "fraud-dashboard-who";

export async function list() {
  const state = find("case-state").value;
  const answer = await fetch(`/api/cases?state=${encodeURIComponent(state)}`).catch(() => null);
  const found = await answer?.json().catch(() => null);
  if (!answer?.ok) {
    body.replaceChildren();
    told.textContent = problem(answer, found);
    return;
  }
  told.textContent = found.length === 0 ? "none" : "";
  body.replaceChildren(...found.map(line));
}

function line(one) {
  const made = element("tr", null, one.severity);
  const open = element("button", `case ${one.id}`);
  open.type = "button";
  const cell = element("td");
  cell.append(open);
  made.addEventListener("click", () => show(one.id));
  made.append(cell, element("td", one.severity), element("td", one.state), element("td", subject(one)), element("td", count(one.alerts)), element("td", moment(one.last)));
  return made;
}

const subject = (one) => Object.entries(one.subject).map(([name, value]) => `${name} ${value}`).join(", ");
const moment = (text) => text.slice(0, 19).replace("T", " ");

export async function show(number) {
  find("case-title").textContent = `Case ${number}`;
  find("case-problem").textContent = "";
  find("case-body").replaceChildren(element("p", "reading"));
  find("case-form").dataset.number = number;
  find("case-who").value = localStorage.getItem(KEY) ?? "";
  if (!dialog.open) dialog.showModal();
  const answer = await fetch(`/api/cases/${number}`).catch(() => null);
  const found = await answer?.json().catch(() => null);
  if (find("case-form").dataset.number !== String(number)) return; // another one was opened meanwhile
  if (answer?.ok) fill(found);
  else find("case-body").replaceChildren(element("p", problem(answer, found)));
}

function fill({ case: one, alerts, steps }) {
  const pending = one.state === "open" || one.state === "acknowledged";
  for (const button of find("case-form").querySelectorAll("button[data-verb]")) {
    button.disabled = button.dataset.verb !== "notes" && (!pending || (button.dataset.verb === "acknowledge" && one.state !== "open"));
  }
  const made = [terms([["About", subject(one)], ["State", one.state], ["Severity, score", `${one.severity}, ${one.score}`], ["Alerts", count(one.alerts)], ["From, to", `${moment(one.first)}, ${moment(one.last)}`]])];
  if (steps.length > 0) made.push(element("h3", "What people did"), terms(steps.map((step) => [moment(step.at), `${step.what} by ${step.who}${step.note ? `: ${step.note}` : ""}`])));
  made.push(element("h3", alerts.length < one.alerts ? `The latest ${count(alerts.length)} alerts` : "Alerts"));
  for (const alert of alerts) {
    made.push(element("p", `${moment(alert.time)}  ${money(alert.amount)} ${alert.currency}  ${alert.source ?? ""} \u2192 ${alert.target}`, "alert"));
    const hits = reasons(alert.content);
    if (hits.length > 0) made.push(terms(hits));
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
// Closed, it is no more what the address names, so that the same link opens it again.
dialog.addEventListener("close", () => { if (location.hash.startsWith("#cases/")) history.replaceState(null, "", "#cases"); });
