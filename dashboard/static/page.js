// Keeps the page up to date by one stream of events; the browser goes on where it was after a break.

import { Chart } from "./charts.js";
import { list as listCases, show as showCase } from "./cases.js";
import { take } from "./rows.js";
import { list as listRules } from "./rules.js";
import { list as listTopics } from "./topics.js";
import { count, element, milliseconds, money, rate, share } from "./text.js";

const SECONDS = 900;
const find = (id) => document.getElementById(id);
const charts = [
  new Chart(find("chart-rate"), [["legit", (point) => point.legit + point.fraud + point.dead_letter]], rate),
  new Chart(find("chart-fraud"), [["fraud", (point) => point.fraud]], rate),
  new Chart(find("chart-latency"), [["low", (point) => point.p50_ms], ["high", (point) => point.p99_ms]], milliseconds),
];
let points = [];
let source = null;

function state(name, text) {
  find("state").className = name;
  if (find("state").textContent !== text) find("state").textContent = text;
}

function draw() {
  const now = points.length > 0 ? points[points.length - 1].at : Math.floor(Date.now() / 1000);
  for (const chart of charts) chart.draw(points, now);
}

function glance(told) {
  const stopped = Object.entries(told.stopped).map(([currency, amount]) => `${money(amount)} ${currency}`).join(", ");
  const lag = Object.values(told.lags).flatMap(Object.values).reduce((sum, one) => sum + one, 0);
  const tiles = [
    ["Transactions a second", rate(told.per_second)],
    ["Fraud share, 1 minute", share(told.fraud_share)],
    ["Stopped today", stopped || "-"],
    ["Latency p50", milliseconds(told.p50_ms)],
    ["Latency p99", milliseconds(told.p99_ms)],
    ["Dead letters, 15 min", count(told.counts["dead-letter"])],
    ["Lag, all services", count(lag)],
    ["Cases to look into", told.cases === null ? "-" : count((told.cases.open ?? 0) + (told.cases.acknowledged ?? 0))],
  ];
  find("tiles").replaceChildren(...tiles.map(([name, value]) => {
    const tile = element("div");
    tile.append(element("dt", name), element("dd", value));
    return tile;
  }));
  table("rules", Object.entries(told.rules).map(([rule, number]) => [rule, count(number)]), "no hits");
  const lags = Object.entries(told.lags).map(([service, by]) => [service, Object.entries(by).map(([partition, at]) => `${partition}: ${count(at)}`).join("  ")]);
  table("lags", lags, "not known yet");
  find("rule-names").replaceChildren(...Object.keys(told.rules).map((rule) => {
    const option = element("option");
    option.value = rule;
    return option;
  }));
  state(told.connected ? "on" : "off", told.connected ? "live" : "Kafka does not answer");
}

function table(id, rows, nothing) {
  const cells = rows.length > 0 ? rows : [[nothing, ""]];
  find(id).replaceChildren(...cells.map((row) => {
    const line = element("tr");
    line.append(...row.map((text) => element("td", text)));
    return line;
  }));
}

function follow() {
  source?.close();
  const wanted = new URLSearchParams();
  for (const [name, value] of new FormData(find("filters"))) if (value.trim()) wanted.set(name, value.trim());
  source = new EventSource(`/api/stream?${wanted}`);
  const on = (name, work) => source.addEventListener(name, (event) => work(JSON.parse(event.data)));
  on("history", (told) => { points = told; draw(); });
  on("second", (told) => { points = [...points.filter((point) => point.at < told[0]?.at), ...told].slice(-SECONDS); draw(); });
  on("glance", glance);
  on("rows", take);
  source.onerror = async () => {
    state("off", "reconnecting");
    if (source.readyState !== EventSource.CLOSED) return;
    // The browser gives up where the answer was a refusal: the session may be over, or the dashboard is full.
    const answer = await fetch("/api/session").catch(() => null);
    if (answer?.status === 401) location.assign("/login");
    else setTimeout(follow, 5000);
  };
}

find("filters").addEventListener("submit", (event) => {
  event.preventDefault();
  follow();
});
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
  pages[hash][1]();
  if (hash === "#cases" && /^[1-9][0-9]{0,9}$/.test(number)) showCase(Number(number));
  else find("case").close();
}

addEventListener("hashchange", turn);
turn();
fetch("/api/session").then((answer) => answer.json()).then((told) => { find("logout").hidden = !told.token; }).catch(() => {});
follow();
