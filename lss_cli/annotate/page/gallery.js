// All levels at a glance: the middle of each one's slice, with its points.

import { place, project } from "./geometry.js";
import { CHOSEN, SET, ring, text } from "./ink.js";

// Both recesses, the facet joints and the disc.
const FIELD_MM = 64;

/** A picture per level; a click on it chooses the level. */
export class Gallery {
  /**
   * @param {HTMLElement} box
   * @param {object} state marks, series, levels, condition, level, proposals.
   * @param {import("./server.js").Slices} slices
   * @param {(level: string) => void} visit
   */
  constructor(box, state, slices, visit) {
    Object.assign(this, { box, state, slices });
    this.pictures = state.levels.map((level) => {
      const canvas = document.createElement("canvas");
      canvas.addEventListener("click", () => visit(level));
      box.append(canvas);
      return canvas;
    });
    new ResizeObserver(() => this.draw()).observe(box);
  }

  draw() {
    if (this.box.hidden) return;
    this.state.levels.forEach((level, i) => {
      this.#draw(this.pictures[i], level);
    });
  }

  async #draw(canvas, level) {
    const { marks, series, condition, level: chosen, proposals } = this.state;
    const points = marks.all.filter((mark) => mark.level === level && !mark.not_visible);
    const own = points.find((mark) => mark.condition === condition) ?? points[0];
    const waits = points.filter((mark) => mark.source === "proposed");
    const doubtful = waits.some((mark) => proposals.isDoubtful(mark));
    canvas.className = `${level === chosen ? "chosen" : ""} ${doubtful ? "doubtful" : ""}`;
    canvas.title = waits.length ? `${level}: proposed` : level;
    const sharp = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    const turn = (canvas.turn ?? 0) + 1;
    canvas.turn = turn;
    const slice = own && series[own.series].slices[own.slice];
    const values = own && (await this.slices.get(own.series, own.slice));
    // A later one has begun meanwhile.
    if (canvas.turn !== turn) return;
    Object.assign(canvas, { width: Math.round(width * sharp), height: Math.round(height * sharp) });
    const ink = canvas.getContext("2d", { alpha: false });
    ink.setTransform(sharp, 0, 0, sharp, 0, 0);
    ink.font = "12px system-ui, sans-serif";
    if (values && !(values instanceof Error)) {
      const scale = Math.min(width, height) / FIELD_MM;
      const places = points.map((mark) =>
        project(slice, place(series[mark.series].slices[mark.slice], [mark.x, mark.y])),
      );
      const middle = [0, 1].map(
        (axis) => places.reduce((sum, at) => sum + at[axis], 0) / places.length,
      );
      const toCanvas = (at) =>
        at.map(
          (value, axis) =>
            [width, height][axis] / 2 + (value - middle[axis]) * slice.spacing[axis] * scale,
        );
      const from = toCanvas([-0.5, -0.5]);
      const to = toCanvas(slice.size.map((count) => count - 0.5));
      ink.drawImage(develop(values, slice.size), ...from, to[0] - from[0], to[1] - from[1]);
      points.forEach((mark, i) => {
        const beside = mark.slice !== own.slice || mark.series !== own.series;
        ink.globalAlpha = beside ? 0.5 : 1;
        ring(ink, ...toCanvas(places[i]), level === chosen ? CHOSEN : SET, {
          dashed: mark.source === "proposed",
          size: 5,
        });
        ink.globalAlpha = 1;
      });
    }
    const absent = marks.all.some((mark) => mark.level === level && mark.not_visible);
    text(ink, level, 6, 11, "left", level === chosen ? CHOSEN : undefined);
    if (slice) text(ink, `slice ${slice.number}`, width - 6, 11, "right");
    else text(ink, absent ? "not visible" : "open", width / 2, height / 2, "center");
    canvas.dataset.points = points.length;
  }
}

const developed = new WeakMap();

/** A slice's values in grey, once. */
function develop(values, [width, height]) {
  if (developed.has(values)) return developed.get(values);
  const picture = Object.assign(document.createElement("canvas"), { width, height });
  const ink = picture.getContext("2d", { alpha: false });
  const image = ink.createImageData(width, height);
  const some = values.filter((_, i) => i % 16 === 0).sort();
  const low = some[Math.floor(some.length * 0.01)];
  const factor = 255 / Math.max(some[Math.floor(some.length * 0.995)] - low, 1e-3);
  values.forEach((value, i) => {
    const grey = (value - low) * factor;
    image.data.fill(grey, 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  });
  ink.putImageData(image, 0, 0);
  developed.set(values, picture);
  return picture;
}
