"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const form = document.getElementById("choices");
  const [AGREES, DIFFERS, NOTHING, COUNTED] = ["#02624a", "#a83200", "#777", "#005a8f"];
  const TOP = 24; // pixels of the columns' names
  const MOST = 620; // pixels of a plot whose dots are as large as can be
  let world = null;

{% include "element.js" %}

  // ---------------------------------------------------------------- what came out
  const cellNamed = (name) => data.cells.find((cell) => cell.name === name);
  const wordOf = (reading, cell, place) =>
    data.words[parseInt(data.readings[reading].outcomes[cell.name][place], 36)];
  const agrees = (reading, cell, place) => cell.agreeing.includes(wordOf(reading, cell, place));
  const countOf = (reading, place) =>
    data.cells.filter((cell) => agrees(reading, cell, place)).length;

  function chosen() {
    const choice = new FormData(form);
    return {
      cell: cellNamed(choice.get("shown")),
      factor: data.factors.find((factor) => factor.name === choice.get("factor")),
      reading: Number(choice.get("reading")),
    };
  }

  // Columns from left to right, with the column of each world.
  function columnsOf({ cell, reading }) {
    const places = data.worlds.map((_, place) => place);
    if (!cell) {
      const counts = places.map((place) => countOf(reading, place));
      const [least, most] = [Math.min(...counts), data.cells.length];
      const names = Array.from({ length: most - least + 1 }, (_, step) => least + step);
      return {
        names: names.map(String),
        of: counts.map((count) => count - least),
        looks: names.map((count) => ({ color: COUNTED, filled: count === most })),
      };
    }
    const said = places.map((place) => wordOf(reading, cell, place));
    const rank = (word) => (cell.agreeing.includes(word) ? 0 : data.nothing.includes(word) ? 2 : 1);
    const names = [...new Set(said)].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
    return {
      names,
      of: said.map((word) => names.indexOf(word)),
      looks: names.map((word) => ({
        color: [AGREES, DIFFERS, NOTHING][rank(word)],
        filled: rank(word) === 0,
      })),
    };
  }

  // Bins in rows of as many dots as fit; the dots are as large as the height allows.
  function laidOut(choice, width) {
    const columns = columnsOf(choice);
    const { levels, of } = choice.factor;
    const bins = levels.map(() => columns.names.map(() => []));
    data.worlds.forEach((_, place) => bins[of[place]][columns.of[place]].push(place));
    const left = Math.min(150, 22 + 7 * Math.max(...levels.map((level) => level.length)));
    const wide = (width - left) / columns.names.length;
    for (let pitch = 9; ; pitch -= 0.5) {
      const across = Math.max(1, Math.floor((wide - 12) / pitch));
      const heights = bins.map(
        (row) => 22 + pitch * Math.max(1, ...row.map((bin) => Math.ceil(bin.length / across))),
      );
      const height = TOP + heights.reduce((sum, next) => sum + next, 0);
      if (height <= MOST || pitch <= 4) {
        return { choice, columns, bins, left, wide, pitch, across, heights, height };
      }
    }
  }

  function drawn({ choice, columns, bins, left, wide, pitch, across, heights }) {
    const [rows, counts, dots] = [[], [], []];
    let y = TOP;
    bins.forEach((row, level) => {
      rows.push({ y, y2: y + heights[level], text: choice.factor.levels[level] });
      row.forEach((bin, column) => {
        const x = left + wide * column + 6;
        if (bin.length) counts.push({ x, y: y + 9, text: String(bin.length) });
        bin.forEach((place, at) => {
          dots.push({
            x: x + pitch * ((at % across) + 0.5),
            y: y + 17 + pitch * (Math.floor(at / across) + 0.5),
            world: data.worlds[place],
            ...columns.looks[column],
          });
        });
      });
      y += heights[level];
    });
    const names = columns.names.map((text, column) => ({
      x: left + wide * column,
      x2: left + wide * (column + 1),
      text: text.replace(/ (across|with) widths?$/, ""),
    }));
    return { rows, columns: names, counts, dots };
  }

  // ---------------------------------------------------------------- the plot
  const figure = document.getElementById("worlds");
  const [canvas, area] = [figure.querySelector(".canvas"), figure.querySelector(".plot")];
  const view = new vega.View(vega.parse(data.plot), { renderer: "svg", container: canvas, hover: false });
  view.description("The counts are in the table below the plot.");
  let dots = [];

  function draw() {
    const width = canvas.clientWidth;
    if (!width || matchMedia("print").matches) return; // CSS fits it to the paper
    const choice = chosen();
    const laid = laidOut(choice, width);
    const sets = drawn(laid);
    dots = sets.dots;
    for (const [name, values] of Object.entries(sets)) {
      view.data(name, values.map((value) => ({ ...value })));
    }
    view
      .signal("left", laid.left)
      .signal("pitch", laid.pitch)
      .signal("at", world)
      .width(width)
      .height(laid.height)
      .runAsync()
      .then(() => {
        // A view box, so that CSS can scale the drawing to a sheet of paper.
        const svg = canvas.querySelector("svg");
        svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
      });
    const across = choice.cell
      ? `${choice.cell.scheme}, ${choice.cell.title.toLowerCase()}`
      : `How many of ${data.cells.length} cells agree`;
    figure.querySelector("h3").textContent = `${across}, by ${choice.factor.title}`;
    tabulate(laid);
  }

  function rowOf(...cells) {
    const row = element("tr", "");
    row.append(...cells);
    return row;
  }

  function tabulate({ choice, columns, bins }) {
    const heads = [choice.factor.title, ...columns.names];
    const head = element("thead", "");
    head.append(rowOf(...heads.map((name) => element("th", name, { scope: "col" }))));
    const body = element("tbody", "");
    body.append(
      ...bins.map((row, level) => rowOf(
        element("th", choice.factor.levels[level], { scope: "row" }),
        ...row.map((bin) => element("td", bin.length)),
      )),
    );
    figure.querySelector(".values").replaceChildren(head, body);
  }

  // ---------------------------------------------------------------- one world
  function show(number) {
    const place = data.worlds.indexOf(number);
    if (place < 0) return;
    world = number;
    form.elements.world.value = number;
    view.signal("at", number).runAsync();
    const { reading } = chosen();
    const made = document.getElementById("world");
    const levels = element("dl", "", { class: "levels" });
    for (const factor of data.factors) {
      const pair = element("div", "");
      pair.append(element("dt", factor.title), element("dd", factor.levels[factor.of[place]]));
      levels.append(pair);
    }
    const count = countOf(reading, place);
    made.replaceChildren(
      element("h3", `World ${number}: ${count} of ${data.cells.length} cells agree`),
      levels,
      ...(data.errors[number] ? [element("p", data.errors[number], { class: "reason" })] : []),
      outcomes(reading, place),
      element("p", "Its config, and its run alone:"),
      element(
        "pre",
        `python -m infwidth.multiverse paper/${data.folder} ${number} > world.yaml\n` +
          "snakemake --cores all --configfile world.yaml",
      ),
    );
  }

  function outcomes(reading, place) {
    const titles = [...new Set(data.cells.map((cell) => cell.title))];
    const table = element("table", "");
    table.append(element("caption", `Read by: ${data.readings[reading].name}`));
    const head = element("thead", "");
    head.append(rowOf(...["Scheme", ...titles].map((name) => element("th", name, { scope: "col" }))));
    const body = element("tbody", "");
    for (const scheme of new Set(data.cells.map((cell) => cell.scheme))) {
      const cells = titles.map((title) => {
        const cell = data.cells.find((one) => one.scheme === scheme && one.title === title);
        if (!cell) return element("td", "–");
        const word = wordOf(reading, cell, place);
        if (data.nothing.includes(word)) return element("td", word, { class: "nothing" });
        const same = agrees(reading, cell, place);
        return element("td", `${same ? "✓" : "✗"} ${word}`, { class: same ? "same" : "differs" });
      });
      body.append(rowOf(element("th", scheme, { scope: "row" }), ...cells));
    }
    table.append(head, body);
    return table;
  }

  // ---------------------------------------------------------------- choices
  area.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    const far = (dot) => Math.hypot(dot.x - event.clientX + box.left, dot.y - event.clientY + box.top);
    const nearest = dots.reduce((best, next) => (far(next) < far(best) ? next : best));
    if (far(nearest) < 15) show(nearest.world);
  });

  // Right and left: the next dot in its bin, then the next bin's; down and up: the next level's.
  area.addEventListener("keydown", (event) => {
    const here = dots.findIndex((dot) => dot.world === world);
    const level = (dot) => {
      const { factor } = chosen();
      return factor.of[data.worlds.indexOf(dot.world)];
    };
    const first = (step) =>
      dots.findIndex((dot) => level(dot) === level(dots[Math.max(here, 0)]) + step);
    const moves = {
      ArrowRight: () => here + 1,
      ArrowLeft: () => here - 1,
      ArrowDown: () => first(1),
      ArrowUp: () => first(-1),
      Home: () => 0,
      End: () => dots.length - 1,
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    const to = dots[moves[event.key]()];
    if (to) show(to.world);
  });

  form.addEventListener("change", (event) => {
    if (event.target.name === "world") show(Number(event.target.value));
    else {
      draw();
      if (world !== null) show(world);
    }
  });
  form.addEventListener("submit", (event) => event.preventDefault());

  // A cell of Table 1 shows its worlds, by the factor that it depends on.
  for (const link of document.querySelectorAll("a.see")) {
    link.addEventListener("click", () => {
      form.elements.shown.value = link.dataset.shown;
      if (link.dataset.factor) form.elements.factor.value = link.dataset.factor;
      draw();
      area.focus({ preventScroll: true });
    });
  }

{% include "figures.js" %}

  new ResizeObserver(draw).observe(canvas);
  draw();
})();
