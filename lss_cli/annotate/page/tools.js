// Looking around: windows to choose from, a length, and the cursor shown in the other picture.

import { height, place, project, sliceThrough } from "./geometry.js";
import { CHOSEN, SET, stroke, text } from "./ink.js";

// From which share of a slice's values to which: MRI has no scale on which windows could be named.
const WINDOWS = [
  ["all", 0.01, 0.995],
  ["dural sac and nerve roots", 0.5, 0.999],
  ["disc, bone and ligament", 0.01, 0.85],
];
// Beyond this distance from a slice, what the cursor points at is not in it.
const IN_SLICE_MM = 3;

/** Give a picture the next of the windows; returns its name. */
export function nextWindow(viewer) {
  viewer.preset = ((viewer.preset ?? 0) + 1) % WINDOWS.length;
  const [name, low, high] = WINDOWS[viewer.preset];
  viewer.useWindow(low, high);
  return name;
}

/** The left button on the sagittal picture: show the axial slice through that place. */
export function findDiscs(axial, sagittal, say) {
  const press = (point) => {
    const index = sliceThrough(axial.series.slices, place(sagittal.slice, point));
    if (index === null) say("No axial slice goes through there.");
    else axial.show(index);
  };
  return { press, drag: press };
}

/** Measures: while it is on, the left button draws a line instead of setting a point. */
export class Ruler {
  on = false;
  #viewer = null;
  #slice = null;

  /** The actions of the left button on a picture, those of the ruler while it is on. */
  before(viewer, act) {
    return {
      press: (point) => (this.on ? this.#begin(viewer, point) : act.press(point)),
      drag: (point) => (this.on ? this.#end(point) : act.drag?.(point)),
      release: (point) => this.on || act.release?.(point),
    };
  }

  toggle() {
    this.on = !this.on;
    this.#viewer?.redraw();
    this.#viewer = null;
    return this.on;
  }

  #begin(viewer, point) {
    this.#viewer?.redraw();
    Object.assign(this, { from: point, to: point });
    this.#viewer = viewer;
    this.#slice = viewer.slice;
    viewer.redraw();
  }

  #end(point) {
    this.to = point;
    this.#viewer.redraw();
  }

  get mm() {
    const [a, b] = [this.from, this.to].map((point) => place(this.#slice, point));
    return Math.hypot(...a.map((value, i) => value - b[i]));
  }

  draw(viewer, ink) {
    if (!this.on || viewer !== this.#viewer || viewer.slice !== this.#slice) return;
    const [a, b] = [this.from, this.to].map((point) => viewer.toCanvas(point));
    ink.strokeStyle = CHOSEN;
    ink.lineWidth = 1.5;
    stroke(ink, a, b);
    viewer.canvas.dataset.length = this.mm.toFixed(1);
    text(ink, `${this.mm.toFixed(1)} mm`, b[0] + 10, b[1] + 14, "left", CHOSEN);
  }
}

/** Shows where the cursor on one picture is in the other. */
export class LinkedCursor {
  #from = null;
  #where = null;

  /** @param {import("./viewer.js").Viewer[]} viewers */
  constructor(viewers) {
    const redraw = (from) => viewers.filter((viewer) => viewer !== from).map((v) => v.redraw());
    for (const viewer of viewers) {
      viewer.canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
        if (!viewer.slice) return;
        this.#from = viewer;
        this.#where = place(viewer.slice, viewer.toPixel([offsetX, offsetY]));
        redraw(viewer);
      });
      viewer.canvas.addEventListener("pointerleave", () => {
        this.#from = null;
        redraw(viewer);
      });
    }
  }

  draw(viewer, ink) {
    if (!this.#from || this.#from === viewer) return;
    const point = project(viewer.slice, this.#where);
    if (!viewer.holds(point)) return;
    const [x, y] = viewer.toCanvas(point);
    ink.strokeStyle = SET;
    ink.lineWidth = 1;
    ink.globalAlpha = Math.abs(height(viewer.slice, this.#where)) <= IN_SLICE_MM ? 1 : 0.45;
    stroke(ink, [x - 7, y - 7], [x + 7, y + 7]);
    stroke(ink, [x - 7, y + 7], [x + 7, y - 7]);
    ink.globalAlpha = 1;
  }
}
