// Lines over the last quarter of an hour, a point a second.

const SECONDS = 900;
const HEIGHT = 112;
const BOTTOM = 14;
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

export class Chart {
  // `lines` are [class, function of a point that returns its value, or null].
  constructor(svg, lines, told) {
    this.svg = svg;
    this.lines = lines;
    this.told = told;
  }

  draw(points, now) {
    const width = this.svg.clientWidth || 600;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const from = now - SECONDS;
    const within = points.filter((point) => point.at > from);
    const values = within.flatMap((point) => this.lines.map(([, value]) => value(point) ?? 0));
    const top = ceiling(Math.max(1, ...values));
    const x = (at) => (((at - from) / SECONDS) * width).toFixed(1);
    const y = (value) => (HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - 12)).toFixed(1);
    const shapes = [0, top / 2, top].map((value) => shape("line", { x1: 0, x2: width, y1: y(value), y2: y(value), class: "grid" }));
    shapes.push(shape("text", { x: 2, y: 9 }, this.told(top)));
    shapes.push(shape("text", { x: 2, y: HEIGHT - 2 }, "15 min ago"));
    shapes.push(shape("text", { x: width - 2, y: HEIGHT - 2, "text-anchor": "end" }, "now"));
    for (const [name, value] of this.lines) {
      let path = "";
      let joined = false;
      for (const point of within) {
        const height = value(point);
        if (height !== null) path += `${joined ? "L" : "M"}${x(point.at)} ${y(height)}`;
        joined = height !== null;
      }
      shapes.push(shape("path", { d: path, class: name }));
    }
    this.svg.replaceChildren(...shapes);
  }
}
