// One transaction in full: what its record says, where it stands, and why it was judged as it was.

import { ask, badge, day, element, laidOut, membersOf, moment, money, problem, terms } from "./text.js";

const AGAIN_MS = 2000;
const dialog = document.getElementById("detail");
const title = document.getElementById("detail-title");
const body = document.getElementById("detail-body");

export async function show(row) {
  title.replaceChildren(badge(row.branch), row.amount === null ? "Transaction" : `${money(row.amount)} ${row.currency}`);
  const told = [["From", row.source ?? "-"], ["To", row.target ?? "-"], ["Method", row.method ?? "-"], ["Id", row.id ?? "-"]];
  told.push(["Record time", `${day(row.at_ms)} UTC`], ["Stands at", `${row.topic} ${row.partition}:${row.offset}`], ["Case", caseOf(row)]);
  const record = element("div", "reading the record");
  body.replaceChildren(terms(told), ...reasons(row), record);
  if (!dialog.open) dialog.showModal();
  body.parentElement.scrollTop = 0;
  const { found, problem: why } = await ask(`/api/records/${encodeURIComponent(row.topic)}/${row.partition}/${row.offset}`);
  record.replaceChildren(...(found ? whole(found) : [element("p", why)]));
}

// The case of a fraud. Who looks may be ahead of the fraud processor: then it is asked again, as long as they look.
function caseOf(row) {
  const told = element("span", row.branch === "fraud" ? "asking" : "no case");
  const asked = async () => {
    const answer = await fetch(`/api/alerts/${encodeURIComponent(row.topic)}/${row.partition}/${row.offset}`).catch(() => null);
    const sought = await answer?.json().catch(() => null);
    told.replaceChildren(answer?.ok ? standing(sought) : problem(answer, sought));
    if (!sought?.read) setTimeout(() => { if (told.isConnected && dialog.open) asked(); }, AGAIN_MS);
  };
  if (row.branch === "fraud") asked();
  return told;
}

function standing({ read, found }) {
  if (found === null) return read ? "no case" : "not yet in a case: the fraud processor has not come to it";
  const link = element("a", `case ${found.case.id}, ${found.case.state}`);
  link.href = `#cases/${found.case.id}`;
  link.addEventListener("click", () => dialog.close());
  return link;
}

function reasons(row) {
  if (row.reasons.length === 0) return [];
  return [element("h3", row.score === null ? "Why" : `Why, score ${row.score}`), terms(row.reasons.map((one) => [one.rule, one.message]))];
}

function hitsOf(text) {
  try {
    return JSON.parse(text).verdict?.hits ?? [];
  } catch {
    return [];
  }
}

function whole(found) {
  const made = [];
  for (const hit of hitsOf(found.value)) {
    const values = Object.entries(hit.values ?? {}).map(([name, value]) => [name, String(value)]);
    if (hit.key) values.unshift(...Object.entries(hit.key).map(([name, value]) => [`about ${name}`, String(value)]));
    if (hit.window) values.push(["looked back from", `${moment(String(hit.window.from))} UTC`]);
    if (hit.passing_amount) values.push(["would have passed at", String(hit.passing_amount)]);
    values.push(["severity, score", `${hit.severity}, ${hit.score}${hit.standing ? ` (${hit.standing}: it does not count)` : ""}`]);
    const section = element("section", null, "hit");
    section.append(element("h3", `Rule ${hit.rule}`), terms(values));
    made.push(section);
  }
  const members = membersOf(found.value)?.filter(([name]) => name !== "verdict");
  if (members?.length > 0) made.push(element("h3", "Members"), terms(members));
  if (found.headers.length > 0) made.push(element("h3", "Headers"), terms(found.headers.map(([name, value]) => [name, value ?? "none"])));
  const told = [["Topic", found.topic], ["Partition, offset", `${found.partition}, ${found.offset}`], ["Time", `${moment(found.time)} UTC`], ["Key", found.key ?? "none"]];
  made.push(element("h3", `Record, ${found.bytes} bytes`), terms(told), element("pre", laidOut(found.value) ?? found.value));
  return made;
}
