// Keeps the page up to date by one stream of events; the browser goes on where it was after a break.

import { Chart } from "./charts.js";
import { list as listCases, show as showCase } from "./cases.js";
import { show as glance } from "./glance.js";
import { take } from "./rows.js";
import { list as listRules } from "./rules.js";
import { list as listTopics } from "./topics.js";
import { milliseconds, rate } from "./text.js";

const SECONDS = 900;
const find = (id) => document.getElementById(id);
const filters = find("filters");
const charts = [
  new Chart(find("chart-rate"), [["legit", "", (point) => point.legit + point.fraud + point.dead_letter]], rate),
  new Chart(find("chart-fraud"), [["fraud", "", (point) => point.fraud]], rate),
  new Chart(find("chart-latency"), [["low", "p50", (point) => point.p50_ms], ["high", "p99", (point) => point.p99_ms]], milliseconds, { byDecades: true }),
];
let points = [];
let source = null;
let heard = null; // when figures came last

// What is on the page grows old while nothing comes: it says so, and of when it is.
function state(name, text, lost = "") {
  find("state").className = name;
  if (find("state").textContent !== text) find("state").textContent = text;
  const told = lost && heard ? `${lost} What is shown is of ${heard} UTC.` : lost;
  if (find("lost").textContent !== told) find("lost").textContent = told;
  find("live").classList.toggle("old", lost !== "");
}

// The second that is just over is still being filled: its transactions are on their way.
function draw() {
  const now = points.length > 0 ? points[points.length - 1].at : Math.floor(Date.now() / 1000);
  for (const chart of charts) chart.draw(points.slice(0, -1), now);
}

function figures(told) {
  heard = new Date(told.at * 1000).toISOString().slice(11, 19);
  glance(told, (rule) => { filters.elements.rule.value = rule; follow(); filters.scrollIntoView({ block: "nearest" }); });
  if (told.connected) state("on", "live");
  else state("off", "Kafka does not answer", "Kafka does not answer the dashboard; it tries again.");
}

function follow() {
  source?.close();
  const wanted = new URLSearchParams();
  for (const [name, value] of new FormData(filters)) if (value.trim()) wanted.set(name, value.trim());
  find("clear").hidden = wanted.size === 0;
  find("empty").textContent = "asking";
  source = new EventSource(`/api/stream?${wanted}`);
  const on = (name, work) => source.addEventListener(name, (event) => work(JSON.parse(event.data)));
  on("history", (told) => { points = told; draw(); });
  on("second", (told) => { points = [...points.filter((point) => point.at < told[0]?.at), ...told].slice(-SECONDS); draw(); });
  on("glance", figures);
  on("rows", (batch) => {
    find("empty").textContent = `No transaction${wanted.size === 0 ? "" : " that fits these filters"} has come within the last minutes.`;
    take(batch);
  });
  source.onerror = async () => {
    state("off", "reconnecting", "The dashboard does not answer; the page goes on by itself when it does.");
    if (source.readyState !== EventSource.CLOSED) return;
    // The browser gives up where the answer was a refusal: the session may be over, or the dashboard is full.
    const answer = await fetch("/api/session").catch(() => null);
    if (answer?.status === 401) location.assign("/login");
    else setTimeout(follow, 5000);
  };
}

filters.addEventListener("submit", (event) => {
  event.preventDefault();
  follow();
});
filters.elements.branch.addEventListener("change", follow);
find("clear").addEventListener("click", () => { filters.reset(); follow(); filters.elements.branch.focus(); });
// Each page by its hash: the element, and what to do when it is turned to. #cases/7 is a case, opened above the list.
const pages = { "#live": ["live", draw], "#cases": ["cases-page", listCases], "#rules": ["rules-page", listRules], "#topics": ["topics-page", listTopics] };

function turn() {
  const [named, number] = location.hash.split("/");
  const hash = named in pages ? named : "#live";
  for (const [name, [id]] of Object.entries(pages)) find(id).hidden = name !== hash;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === hash) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  find("skip").hash = hash;
  document.title = `${document.querySelector("nav [aria-current]").textContent} - Fraud pipeline`;
  pages[hash][1]();
  if (hash === "#cases" && /^[1-9][0-9]{0,9}$/.test(number)) showCase(Number(number));
  else find("case").close();
}

addEventListener("hashchange", turn);
addEventListener("resize", draw);
turn();
fetch("/api/session").then((answer) => answer.json()).then((told) => { find("logout").hidden = !told.token; }).catch(() => {});
follow();
