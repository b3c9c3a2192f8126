// Lines over the last quarter of an hour, a point a second, and what they say where the pointer is.

const SECONDS = 900;
const HEIGHT = 120;
const TOP = 16;
const BOTTOM = 16;
const SPACE = "http://www.w3.org/2000/svg";

function shape(name, attributes, text = null) {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
}

// The next of 1, 2, 5, 10, 20, ... that is not below a value.
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

// Scales return a share of the height, and where the lines of the grid are.
function linear(values) {
  const top = ceiling(Math.max(1, ...values));
  return { of: (value) => value / top, grid: [0, top / 2, top] };
}

// What spreads over decades, such as times: one slow second at the start does not flatten a quarter of an hour.
function decades(values) {
  const low = Math.floor(Math.log10(Math.max(1, Math.min(100, ...values))));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(10, ...values))));
  const grid = Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step));
  return { of: (value) => Math.max(0, (Math.log10(Math.max(value, 1)) - low) / (high - low)), grid };
}

export class Chart {
  // `lines` are [class, name, function of a point that returns its value, or null]; `told` makes a value a text.
  constructor(figure, lines, told, { byDecades = false } = {}) {
    this.svg = figure.querySelector("svg");
    this.said = figure.querySelector("output");
    this.lines = lines;
    this.told = told;
    this.scale = byDecades ? decades : linear;
    this.points = [];
    this.pointed = null; // seconds since 1970
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => { this.pointed = null; this.say(); });
  }

  draw(points, now) {
    const width = this.svg.clientWidth;
    if (width === 0) return; // on a page that is not turned to
    this.from = now - SECONDS;
    this.points = points.filter((point) => point.at > this.from);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const scale = this.scale(this.points.flatMap((point) => this.lines.map(([, , value]) => value(point)).filter((one) => one !== null)));
    const x = (at) => (((at - this.from) / SECONDS) * width).toFixed(1);
    const y = (share) => (HEIGHT - BOTTOM - Math.min(1, share) * (HEIGHT - BOTTOM - TOP)).toFixed(1);
    const shapes = [];
    for (const value of scale.grid) {
      const height = y(scale.of(value));
      shapes.push(shape("line", { x1: 0, x2: width, y1: height, y2: height, class: "grid" }));
      if (value > 0) shapes.push(shape("text", { x: 2, y: height - 3 }, this.told(value)));
    }
    shapes.push(shape("text", { x: 2, y: HEIGHT - 3 }, "15 min ago"), shape("text", { x: width - 2, y: HEIGHT - 3, "text-anchor": "end" }, "now"));
    for (const [name, , value] of this.lines) {
      let line = "";
      let begun = null;
      const area = [];
      for (const point of this.points) {
        const found = value(point);
        if (found !== null) {
          line += `${begun === null ? "M" : "L"}${x(point.at)} ${y(scale.of(found))}`;
          begun ??= x(point.at);
          area.push(x(point.at));
        } else begun = null;
      }
      if (this.lines.length === 1 && area.length > 1) shapes.push(shape("path", { d: `${line}L${area.at(-1)} ${y(0)}L${area[0]} ${y(0)}Z`, class: `area ${name}` }));
      shapes.push(shape("path", { d: line, class: name }));
    }
    this.svg.replaceChildren(...shapes);
    this.say();
  }

  point(event) {
    const box = this.svg.getBoundingClientRect();
    this.pointed = Math.round(this.from + ((event.clientX - box.left) / box.width) * SECONDS);
    this.say();
  }

  // The values of now, or of the second that is pointed to.
  say() {
    const point = this.pointed === null ? this.points.at(-1) : this.points.find((one) => one.at === this.pointed);
    const when = this.pointed === null || !point ? "" : `${new Date(point.at * 1000).toISOString().slice(11, 19)}  `;
    const values = this.lines.map(([name, told, value]) => {
      const one = document.createElement("span");
      one.className = name;
      one.textContent = `${told} ${point ? this.told(value(point)) : "-"}`.trim();
      return one;
    });
    this.said.replaceChildren(when, ...values);
    this.svg.setAttribute("aria-label", `${this.svg.dataset.told}, over the last 15 minutes; ${this.pointed === null ? "now" : when.trim()} ${values.map((one) => one.textContent).join(", ")}`);
  }
}
