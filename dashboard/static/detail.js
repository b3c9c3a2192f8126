// One transaction in full: what its record says, where it stands, and why it was judged as it was.

import { clock, element, money, problem, terms } from "./text.js";

const AGAIN_MS = 2000;
const dialog = document.getElementById("detail");
const body = document.getElementById("detail-body");

export async function show(row) {
  const told = [["Outcome", row.branch], ["Record time", `${clock(row.at_ms)} UTC`]];
  if (row.amount !== null) told.push(["Amount", `${money(row.amount)} ${row.currency}`]);
  told.push(["From", row.source ?? "-"], ["To", row.target ?? "-"], ["Method", row.method ?? "-"], ["Id", row.id ?? "-"]);
  told.push(["Stands at", `${row.topic} ${row.partition}:${row.offset}`], ["Case", caseOf(row)]);
  const record = element("div", "reading the record");
  body.replaceChildren(terms(told), ...reasons(row), record);
  if (!dialog.open) dialog.showModal();
  try {
    const answer = await fetch(`/api/records/${encodeURIComponent(row.topic)}/${row.partition}/${row.offset}`);
    const found = await answer.json();
    record.replaceChildren(...(answer.ok ? whole(found) : [element("p", found.detail)]));
  } catch {
    record.replaceChildren(element("p", "the dashboard does not answer"));
  }
}

// The case of a fraud. Who looks may be ahead of the fraud processor: then it is asked again, as long as they look.
function caseOf(row) {
  const told = element("span", row.branch === "fraud" ? "asking" : "no case");
  const ask = async () => {
    const answer = await fetch(`/api/alerts/${encodeURIComponent(row.topic)}/${row.partition}/${row.offset}`).catch(() => null);
    const sought = await answer?.json().catch(() => null);
    told.replaceChildren(answer?.ok ? standing(sought) : problem(answer, sought));
    if (!sought?.read) setTimeout(() => { if (told.isConnected && dialog.open) ask(); }, AGAIN_MS);
  };
  if (row.branch === "fraud") ask();
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

function whole(found) {
  const made = [];
  let members = null;
  try {
    members = JSON.parse(found.value);
  } catch {
    // It is shown as text below.
  }
  for (const hit of members?.verdict?.hits ?? []) {
    made.push(element("h3", `Rule ${hit.rule}`));
    const values = Object.entries(hit.values ?? {}).map(([name, value]) => [name, String(value)]);
    if (hit.key) values.unshift(...Object.entries(hit.key).map(([name, value]) => [`about ${name}`, String(value)]));
    if (hit.window) values.push(["looked back from", String(hit.window.from)]);
    if (hit.passing_amount) values.push(["would have passed at", String(hit.passing_amount)]);
    values.push(["severity, score", `${hit.severity}, ${hit.score}`]);
    made.push(terms(values));
  }
  made.push(element("h3", `Record, ${found.bytes} bytes`), element("pre", found.value));
  const told = [["Topic", found.topic], ["Partition", found.partition], ["Offset", found.offset], ["Time", found.time], ["Key", found.key ?? "none"]];
  made.push(terms(told));
  if (found.headers.length > 0) made.push(element("h3", "Headers"), terms(found.headers.map(([name, value]) => [name, value ?? "none"])));
  return made;
}
