// The stream: the newest rows first, no more than a page takes; what is not shown is counted.

import { badge, cell, clock, count, cut, day, element, money } from "./text.js";
import { show } from "./detail.js";

const KEPT = 100;
const body = document.getElementById("rows");
const more = document.getElementById("more");
const pause = document.getElementById("pause");
const empty = document.getElementById("empty");

let paused = false;
let held = []; // what came while it was paused, the oldest first
let unseen = { legit: 0, fraud: 0, "dead-letter": 0 };
let least = false; // more than the dashboard can count have come while this page was away

export function take(batch) {
  if (batch.fresh) {
    body.replaceChildren();
    held = [];
    unseen = { legit: 0, fraud: 0, "dead-letter": 0 };
    least = false;
  }
  least ||= batch.gap;
  for (const branch of Object.keys(unseen)) unseen[branch] += batch.more[branch];
  if (paused) {
    held.push(...batch.rows);
    for (const row of held.splice(0, Math.max(0, held.length - KEPT))) unseen[row.branch] += 1;
  } else {
    put(batch.rows);
  }
  tell();
}

function put(rows) {
  for (const row of rows) body.prepend(line(row));
  while (body.childElementCount > KEPT) body.lastElementChild.remove();
}

function line(row) {
  const made = element("tr", null, row.branch);
  const open = element("button");
  open.type = "button";
  open.append(badge(row.branch));
  made.addEventListener("click", () => show(row));
  const time = element("time", clock(row.at_ms));
  time.title = day(row.at_ms);
  const amount = row.amount === null ? ["-"] : [money(row.amount), " ", element("small", row.currency)];
  const figure = element("span");
  figure.append(...amount);
  made.append(
    cell(time, "time"),
    cell(open, "outcome"),
    cell(figure, "amount"),
    cell(cut(row.method), "method"),
    cell(cut(row.source), "from"),
    cell(cut(row.target), "to"),
    cell(why(row), "why"),
    cell(cut(row.id), "id"),
  );
  for (const one of made.children) one.role = "cell"; // on a telephone lines are laid out, and are still lines of a table
  made.role = "row";
  return made;
}

function why(row) {
  const made = element("span");
  for (const one of row.reasons) made.append(made.hasChildNodes() ? "; " : "", element("strong", one.rule), `: ${one.message}`);
  return made;
}

function tell() {
  const parts = Object.entries(unseen).filter(([, number]) => number > 0).map(([branch, number]) => `${count(number)} ${branch}`);
  const all = Object.values(unseen).reduce((sum, number) => sum + number, 0);
  const hidden = all > 0 ? `${least ? "at least " : ""}${count(all)} more, not shown: ${parts.join(", ")}` : "";
  more.textContent = paused ? `paused, ${count(held.length)} held back${hidden ? `; ${hidden}` : ""}` : hidden;
  empty.hidden = body.hasChildNodes();
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Go on" : "Pause";
  if (!paused) {
    put(held);
    held = [];
  }
  tell();
});
