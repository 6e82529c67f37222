// The choices, the two plots, their values, and enlarged figures. Needs vega and the JSON in #data.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const form = document.getElementById("choices");
  const NOTHING = "–";

  // ---------------------------------------------------------------- what is chosen
  function chosen() {
    const choice = new FormData(form);
    return {
      metric: data.metrics.find((metric) => metric.name === choice.get("metric")),
      layer: Number(choice.get("layer")),
      kind: choice.get("kind"),
      width: Number(choice.get("width")),
      schemes: data.schemes.filter((scheme) => choice.getAll("scheme").includes(scheme.name)),
    };
  }

  function choose(values) {
    for (const [name, value] of Object.entries(values)) form.elements[name].value = value;
    draw();
  }

  const matches = (row, choice, scheme) =>
    row.metric === choice.metric.name &&
    row.layer === choice.layer &&
    row.kind === choice.kind &&
    row.scheme === scheme.name;

  // The points of a curve, one for each step.
  const pointsOf = (curve) =>
    curve.t.map((t, place) => ({
      t,
      n: curve.n,
      text: curve.text[place],
      mean: curve.mean[place],
      low: curve.low[place],
      high: curve.high[place],
      floor: curve.floor ? curve.floor[place] : null,
      limit: Boolean(curve.limits) && curve.limits.includes(t),
    }));

  const AXES = {
    width: {
      title: "width n",
      name: "n",
      domain: () => [Math.min(...data.widths) / 1.25, Math.max(...data.widths) * 1.25],
      places: () => data.widths,
      ticks: (room) => (room < 420 ? data.widthTicks.few : data.widthTicks.many),
      of: (curve) => pointsOf(curve).filter((point) => point.t === data.last),
      x: (point) => point.n,
      heading: "against the width",
      place: () => `step ${data.last}`,
      step: "T",
    },
    step: {
      title: "training step t",
      name: "t",
      domain: () => [-0.15, Math.max(data.last, 1) * 1.2],
      places: (points) => [...new Set(points.map((point) => point.x))].sort((a, b) => a - b),
      ticks: () => [data.stepTicks, data.stepTicks.map(String)],
      of: (curve, choice) => (curve.n === choice.width ? pointsOf(curve) : []),
      x: (point) => point.t,
      heading: "in time",
      place: (choice) => `n = ${choice.width}`,
      step: "t",
    },
  };

  function pointsFor(axis, choice) {
    return choice.schemes.flatMap((scheme) =>
      data.series
        .filter((curve) => matches(curve, choice, scheme))
        .flatMap((curve) => axis.of(curve, choice))
        .map((point) => ({ ...point, ...scheme, scheme: scheme.name, x: axis.x(point) }))
        .sort((a, b) => a.x - b.x),
    );
  }

  function powersFor(choice) {
    return choice.schemes.flatMap((scheme) => data.fits.filter((fit) => matches(fit, choice, scheme)));
  }

  function lostFor(axis, choice) {
    const lost = data.lost.filter((row) => choice.schemes.some((scheme) => scheme.name === row.scheme));
    const marks = axis === AXES.width
      ? lost.map((row) => ({ scheme: row.scheme, x: row.n }))
      : lost
          .filter((row) => row.n === choice.width)
          .flatMap((row) => row.steps.map((step) => ({ scheme: row.scheme, x: step })));
    return marks.map((mark) => ({
      ...mark,
      row: choice.schemes.findIndex((scheme) => scheme.name === mark.scheme),
      color: data.schemes.find((scheme) => scheme.name === mark.scheme).color,
    }));
  }

  // ---------------------------------------------------------------- logarithmic axis, as in the figures
  function valueAxis(values) {
    if (!values.length) return { domain: [1, 10], ticks: [] };
    let [low, high] = [Math.min(...values), Math.max(...values)];
    const margin = Math.max((high / low) ** 0.05, 1.1);
    [low, high] = [low / margin, high * margin];
    const first = Math.floor(Math.log10(low));
    const last = Math.ceil(Math.log10(high));
    const decades = Array.from({ length: last - first + 1 }, (_, place) => first + place);
    let ticks;
    if (high / low < 80) {
      const factors = high / low > 4 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9];
      ticks = decades.flatMap((power) => factors.map((factor) => Number(`${factor}e${power}`)));
    } else {
      const stride = Math.ceil((Math.log10(high) - Math.log10(low)) / 7);
      ticks = decades.filter((power) => power % stride === 0).map((power) => Number(`1e${power}`));
    }
    return { domain: [low, high], ticks: ticks.filter((tick) => low <= tick && tick <= high) };
  }

  const raised = (power) => [...String(power)].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻").join("");

  function tickLabel(value) {
    if (value >= 1e-3 && value < 1e5) return String(Number(value.toPrecision(3)));
    const [factor, power] = value.toExponential(1).split("e").map(Number);
    return `${factor === 1 ? "" : `${factor}×`}10${raised(power)}`;
  }

  // ---------------------------------------------------------------- elements
{% include "element.js" %}


  const swatch = (scheme) =>
    [...form.querySelectorAll("[name=scheme]")]
      .find((input) => input.value === scheme)
      .parentElement.querySelector("svg")
      .cloneNode(true);

  function rowOf(...cells) {
    const row = element("tr", "");
    row.append(...cells);
    return row;
  }

  class Plot {
    constructor(figure, axis) {
      this.figure = figure;
      this.axis = axis;
      this.canvas = figure.querySelector(".canvas");
      this.tip = figure.querySelector(".tip");
      this.at = null;
      this.points = [];
      const spec = vega.parse(data.plots[axis === AXES.width ? "width" : "step"]);
      this.view = new vega.View(spec, { renderer: "svg", container: this.canvas, hover: false });
      this.view.description("The values are in the table below the plot.");
      const area = figure.querySelector(".plot");
      area.addEventListener("pointermove", (event) => this.pointed(event));
      area.addEventListener("pointerdown", (event) => this.pointed(event));
      area.addEventListener("pointerleave", (event) => {
        if (event.pointerType !== "touch") this.look(null); // a lifted finger still reads
      });
      area.addEventListener("blur", () => this.look(null));
      area.addEventListener("keydown", (event) => this.typed(event));
      if (axis === AXES.width) area.addEventListener("click", () => this.picked());
      new ResizeObserver(() => this.resize()).observe(this.canvas);
    }

    show(choice) {
      const { axis, view } = this;
      this.points = pointsFor(axis, choice);
      this.places = axis.places(this.points);
      this.powers = axis === AXES.width ? powersFor(choice) : [];
      const values = [
        ...this.points.flatMap((point) => (point.limit ? [point.mean] : [point.low, point.high])),
        ...this.powers.flatMap((fit) => fit.values),
      ];
      const scale = valueAxis(values);
      view
        .data("points", this.points.map((point) => ({ ...point })))
        .data("powers", this.powers.map((fit) => ({
          x: fit.n[0], x2: fit.n[1], y: fit.values[0], y2: fit.values[1],
        })))
        .data("lost", lostFor(axis, choice))
        .signal("x", axis.domain())
        .signal("y", scale.domain)
        .signal("yTicks", scale.ticks)
        .signal("yLabels", Object.fromEntries(scale.ticks.map((tick) => [tick, tickLabel(tick)])))
        .signal("title", axis.title);
      this.describe(choice);
      this.tabulate(choice);
      this.look(null);
      this.resize();
    }

    resize() {
      const { clientWidth: width, clientHeight: height } = this.canvas;
      if (!width || matchMedia("print").matches) return; // CSS fits it to the paper
      const [ticks, labels] = this.axis.ticks(width);
      this.view
        .signal("xTicks", ticks)
        .signal("xLabels", Object.fromEntries(ticks.map((tick, place) => [tick, labels[place]])))
        .width(width)
        .height(height)
        .runAsync()
        .then(() => this.fit());
    }

    // A view box, so that CSS can scale the drawing to a sheet of paper.
    fit() {
      const svg = this.canvas.querySelector("svg");
      if (svg && !svg.getAttribute("viewBox")) {
        svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
      }
    }

    describe(choice) {
      this.figure.querySelector("h3").textContent = `${choice.metric.title}, ${this.axis.heading}`;
      const unit = this.figure.querySelector("p.unit");
      unit.innerHTML = choice.metric.units[choice.kind][this.axis.step];
      unit.append(` of ${choice.kind} in layer ${choice.layer}, ${this.axis.place(choice)}`);
      const entries = choice.schemes.map((scheme) => {
        const fit = this.powers.find((power) => power.scheme === scheme.name);
        const entry = element("li", "");
        entry.append(swatch(scheme.name), element("span", scheme.name));
        if (fit) {
          const power = element("span", "∝ n");
          power.append(element("sup", fit.power), ` ${fit.interval}`);
          entry.append(power);
        }
        return entry;
      });
      this.figure.querySelector(".legend").replaceChildren(...entries);
    }

    tabulate(choice) {
      const head = element("thead", "");
      head.append(rowOf(
        element("th", this.axis.name, { scope: "col" }),
        ...choice.schemes.map((scheme) => element("th", scheme.name, { scope: "col" })),
      ));
      const body = element("tbody", "");
      for (const place of this.places) {
        const cells = choice.schemes.map((scheme) => {
          const point = this.points.find((found) => found.x === place && found.scheme === scheme.name);
          return element("td", point ? point.text : NOTHING);
        });
        body.append(rowOf(element("th", place, { scope: "row" }), ...cells));
      }
      const table = this.figure.querySelector(".values");
      table.replaceChildren(head, body);
      if (!this.powers.length) return;
      const foot = element("tfoot", "");
      foot.append(rowOf(
        element("th", "fitted power", { scope: "row" }),
        ...choice.schemes.map((scheme) => {
          const fit = this.powers.find((power) => power.scheme === scheme.name);
          return element("td", fit ? `${fit.power} ${fit.interval}` : NOTHING);
        }),
      ));
      table.append(foot);
    }

    // ------------------------------------------------------------ looking at one place
    origin() {
      const [left, top] = this.view.origin();
      const padding = this.view.padding();
      return [left + padding.left, top + padding.top];
    }

    pointed(event) {
      const box = this.canvas.getBoundingClientRect();
      const [left, top] = this.origin();
      const [x, y] = [event.clientX - box.left - left, event.clientY - box.top - top];
      const scale = this.view.scale("x");
      const distance = (place) => Math.abs(scale(place) - x);
      const occupied = this.places.filter((place) => this.points.some((point) => point.x === place));
      if (!occupied.length) return;
      const place = occupied.reduce((best, next) => (distance(next) < distance(best) ? next : best));
      this.look(place, y);
    }

    typed(event) {
      const occupied = this.places.filter((place) => this.points.some((point) => point.x === place));
      const here = occupied.indexOf(this.at);
      const moves = { ArrowRight: here + 1, ArrowLeft: here < 0 ? occupied.length - 1 : here - 1, Home: 0, End: occupied.length - 1 };
      if (event.key in moves && occupied.length) {
        this.look(occupied[Math.min(Math.max(moves[event.key], 0), occupied.length - 1)]);
        event.preventDefault();
      } else if (event.key === "Escape") {
        this.look(null);
      } else if (event.key === "Enter" && this.axis === AXES.width) {
        this.picked();
      }
    }

    picked() {
      if (this.at === null) return;
      const kept = this.at;
      choose({ width: kept });
      this.look(kept);
    }

    look(place, height = null) {
      if (place === this.at && place !== null && height === null) return;
      this.at = place;
      this.view.signal("at", place).runAsync();
      this.tip.hidden = place === null;
      if (place !== null) this.tell(place, height);
    }

    tell(place, height) {
      const found = this.points.filter((point) => point.x === place);
      const scale = this.view.scale("y");
      const distance = (point) => Math.abs(scale(point.mean) - height);
      const nearest = height === null
        ? null
        : found.reduce((best, next) => (distance(next) < distance(best) ? next : best));
      const table = element("table", "");
      table.append(element("caption", `${this.axis.name} = ${place}`));
      const head = element("thead", "");
      const resolved = found.some((point) => point.floor !== null);
      head.append(rowOf(
        element("th", "scheme", { scope: "col" }),
        element("th", data.seeds > 1 ? "mean [range over seeds]" : "value", { scope: "col" }),
        ...(resolved ? [element("th", "resolution", { scope: "col", class: "floor" })] : []),
      ));
      const body = element("tbody", "");
      for (const point of found) {
        const name = element("th", "", { scope: "row" });
        name.append(swatch(point.scheme), point.scheme);
        const row = rowOf(name, element("td", point.text));
        if (resolved) row.append(element("td", point.floor, { class: "floor" }));
        if (point === nearest) row.className = "nearest";
        body.append(row);
      }
      table.append(head, body);
      this.tip.replaceChildren(table);
      const heights = found.map((point) => scale(point.mean));
      this.placeTip(place, height ?? heights.reduce((sum, next) => sum + next, 0) / heights.length);
    }

    // Beside the line, on the side with more room, away from `height`, and never outside the plot.
    placeTip(place, height) {
      const [left, top] = this.origin();
      const x = left + this.view.scale("x")(place);
      const [room, width] = [this.canvas.clientWidth, this.tip.offsetWidth];
      const beside = x > room / 2 ? x - width - 12 : x + 12;
      this.tip.style.left = `${Math.min(Math.max(beside, 0), Math.max(room - width, 0))}px`;
      const bottom = Math.max(...this.view.scale("y").range());
      const below = top + bottom - this.tip.offsetHeight - 6;
      this.tip.style.top = `${height < bottom / 2 ? Math.max(below, 0) : top + 6}px`;
    }
  }

  const plots = [
    new Plot(document.getElementById("sweep"), AXES.width),
    new Plot(document.getElementById("evolution"), AXES.step),
  ];

  function draw() {
    const choice = chosen();
    for (const plot of plots) plot.show(choice);
  }

  form.addEventListener("change", draw);
  form.addEventListener("submit", (event) => event.preventDefault());

  // A cell of a table shows the plot that it was read from.
  for (const link of document.querySelectorAll("a.see")) {
    link.addEventListener("click", () => {
      const { metric, layer, kind } = link.dataset;
      choose({ metric, layer, kind });
      document.getElementById("sweep").focus({ preventScroll: true });
    });
  }

  // ---------------------------------------------------------------- findings by who says so
  const origins = document.getElementById("origins");
  if (origins) {
    origins.addEventListener("change", () => {
      const origin = new FormData(origins).get("origin");
      for (const row of document.querySelectorAll(".findings tbody tr")) {
        row.hidden = origin !== "" && row.dataset.origin !== origin;
      }
    });
  }

{% include "figures.js" %}


  draw();
})();
