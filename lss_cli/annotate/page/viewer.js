// One picture: a series that is scrolled, windowed, zoomed and panned on a canvas.

import { letters } from "./geometry.js";
import { CHOSEN, STRIP, text } from "./ink.js";

const FONT = "13px system-ui, sans-serif";

export class Viewer {
  #picture = document.createElement("canvas");
  #values = null;
  #stale = false;
  #asked = false;

  /** @param {(viewer: Viewer, ink: CanvasRenderingContext2D) => void} overlay Draws on top. */
  constructor(canvas, slices, overlay) {
    Object.assign(this, { canvas, slices, overlay, series: null, number: -1, index: 0 });
    this.moved = () => {};
    this.cursor = this.window = this.first = null;
    // Whether the keyboard's cross was moved since it set a point.
    this.aimed = false;
    new ResizeObserver(() => this.redraw()).observe(canvas);
  }

  /** Show another series, from its slice `index` on. */
  open(number, series, index) {
    Object.assign(this, { number, series, first: null, cursor: null, aimed: false });
    this.resetView();
    this.show(index, true);
  }

  get slice() {
    return this.series?.slices[this.index];
  }

  /** Whether the slice is there to be looked at: not still on its way, and not damaged. */
  get ready() {
    return this.#values !== null && !(this.#values instanceof Error);
  }

  get last() {
    return (this.series?.slices.length ?? 1) - 1;
  }

  resetView() {
    this.zoom = 1;
    this.middle = [0, 0];
    this.window = this.first;
    this.preset = 0;
    this.#stale = true;
    this.redraw();
  }

  /** Show a slice; beyond the ends the last one stays. */
  async show(index, anew = false) {
    if (!this.series) return;
    const wanted = Math.max(0, Math.min(this.last, index));
    if (wanted === this.index && !anew) return;
    const { number } = this;
    this.index = wanted;
    this.slices.prefetch(number, this.series.slices.length, wanted);
    this.moved();
    let values = this.slices.get(number, wanted);
    if (values instanceof Promise) {
      this.#values = null;
      this.redraw();
      values = await values;
      if (this.index !== wanted || this.number !== number) return;
    }
    this.#values = values;
    if (!(values instanceof Error) && (anew || !this.window)) {
      this.first = windowOf(values);
      this.window = { ...this.first };
    }
    this.#stale = true;
    this.redraw();
  }

  scroll(steps) {
    return this.show(this.index + steps);
  }

  /** Show the values between two shares of this slice's. */
  useWindow(from, to) {
    if (!this.ready) return;
    this.window = windowOf(this.#values, from, to);
    this.#stale = true;
    this.redraw();
  }

  /** Widen the window by a factor, and move its centre by a share of its width. */
  adjustWindow(factor, shift) {
    if (!this.window) return;
    const { width, centre } = this.window;
    this.window = { width: Math.max(width * factor, 1e-3), centre: centre + shift * width };
    this.#stale = true;
    this.redraw();
  }

  /** Zoom by a factor; what lies under `at` (a position on the canvas) stays there. */
  zoomAt(factor, at) {
    const before = this.toPixel(at);
    this.zoom = Math.max(0.5, Math.min(20, this.zoom * factor));
    const after = this.toCanvas(before);
    this.pan(at[0] - after[0], at[1] - after[1]);
  }

  pan(dx, dy) {
    this.middle = [this.middle[0] - dx / this.scale, this.middle[1] - dy / this.scale];
    this.redraw();
  }

  /** Canvas points per mm. */
  get scale() {
    const { size, spacing } = this.slice;
    const { clientWidth, clientHeight } = this.canvas;
    const room = [Math.max(clientWidth - 2 * STRIP, 10), Math.max(clientHeight, 10)];
    return this.zoom * Math.min(...size.map((count, i) => room[i] / (count * spacing[i])));
  }

  /** From a pixel position to a position on the canvas. */
  toCanvas(point) {
    const { size, spacing } = this.slice;
    const half = [this.canvas.clientWidth / 2, this.canvas.clientHeight / 2];
    return point.map(
      (value, i) =>
        half[i] + ((value + 0.5 - size[i] / 2) * spacing[i] - this.middle[i]) * this.scale,
    );
  }

  /** From a position on the canvas to a pixel position. */
  toPixel(at) {
    const { size, spacing } = this.slice;
    const half = [this.canvas.clientWidth / 2, this.canvas.clientHeight / 2];
    return at.map(
      (value, i) =>
        ((value - half[i]) / this.scale + this.middle[i]) / spacing[i] + size[i] / 2 - 0.5,
    );
  }

  holds(point) {
    return point.every((value, i) => value >= -0.5 && value <= this.slice.size[i] - 0.5);
  }

  /** Where the strip shows a slice. */
  onStripAt(index) {
    const { clientWidth, clientHeight } = this.canvas;
    return [clientWidth - 7, ((index + 0.5) / (this.last + 1)) * clientHeight];
  }

  /** The slice under a position on the strip at the right edge, or null beside it. */
  onStrip([x, y]) {
    if (x < this.canvas.clientWidth - STRIP) return null;
    return Math.floor((y / this.canvas.clientHeight) * (this.last + 1));
  }

  /** Move the keyboard's cross by pixels, keeping it in the slice and in sight. */
  moveCursor(dx, dy) {
    const { size } = this.slice;
    this.aimed = true;
    const from = this.cursor ?? size.map((count) => Math.round(count / 2));
    this.cursor = [from[0] + dx, from[1] + dy].map((value, i) =>
      Math.max(0, Math.min(size[i] - 1, value)),
    );
    const at = this.toCanvas(this.cursor);
    const edge = [this.canvas.clientWidth, this.canvas.clientHeight];
    const out = at.map((v, i) => Math.min(0, v - 40) + Math.max(0, v - edge[i] + 40));
    this.pan(-out[0], -out[1]);
  }

  redraw() {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      if (this.series) this.#draw();
    });
  }

  #draw() {
    const { canvas, slice } = this;
    const sharp = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (
      canvas.width !== Math.round(width * sharp) ||
      canvas.height !== Math.round(height * sharp)
    ) {
      [canvas.width, canvas.height] = [Math.round(width * sharp), Math.round(height * sharp)];
    }
    const ink = canvas.getContext("2d", { alpha: false });
    ink.setTransform(sharp, 0, 0, sharp, 0, 0);
    ink.fillStyle = "#000";
    ink.fillRect(0, 0, width, height);
    ink.font = FONT;
    if (this.ready) {
      if (this.#stale) this.#develop();
      const from = this.toCanvas([-0.5, -0.5]);
      const to = this.toCanvas(slice.size.map((count) => count - 0.5));
      ink.drawImage(this.#picture, ...from, to[0] - from[0], to[1] - from[1]);
      canvas.dataset.slice = this.index;
    }
    this.#strip(ink, width, height);
    if (this.ready) this.overlay(this, ink);
    this.#letters(ink, width, height);
    this.#words(ink, height);
  }

  /** Turn values into grey. */
  #develop() {
    this.#stale = false;
    const [width, height] = this.slice.size;
    if (this.#picture.width !== width || this.#picture.height !== height) {
      Object.assign(this.#picture, { width, height });
    }
    const ink = this.#picture.getContext("2d", { alpha: false });
    const image = ink.createImageData(width, height);
    const grey = new Uint32Array(image.data.buffer);
    const low = this.window.centre - this.window.width / 2;
    const factor = 255 / this.window.width;
    const values = this.#values;
    for (let i = 0; i < grey.length; i++) {
      const value = (values[i] - low) * factor;
      const level = value < 0 ? 0 : value > 255 ? 255 : value | 0;
      grey[i] = 0xff000000 | (level << 16) | (level << 8) | level;
    }
    ink.putImageData(image, 0, 0);
  }

  #letters(ink, width, height) {
    const { right, down } = this.slice;
    const back = (direction) => direction.map((value) => -value);
    text(ink, letters(right), width - STRIP - 6, height / 2, "right");
    text(ink, letters(back(right)), 6, height / 2, "left");
    text(ink, letters(down), width / 2, height - 12, "center");
    text(ink, letters(back(down)), width / 2, 14, "center");
  }

  #words(ink, height) {
    const { slices } = this.series;
    const stack = slices.filter((slice) => slice.stack === this.slice.stack);
    const stacks = slices.at(-1).stack + 1;
    const lines = [
      `slice ${this.slice.number ?? "without number"} (${this.index + 1} of ${slices.length})`,
    ];
    if (stacks > 1) {
      const within = `${stack.indexOf(this.slice) + 1} of ${stack.length}`;
      lines.push(`stack ${this.slice.stack + 1} of ${stacks}: ${within}`);
    }
    lines.forEach((line, i) => {
      text(ink, line, 8, 16 + 18 * i, "left");
    });
    if (this.window) {
      const [width, centre] = [this.window.width, this.window.centre].map(Math.round);
      text(ink, `W ${width}  L ${centre}`, 8, height - 12, "left");
    }
    if (!this.#values) text(ink, "Loading …", 8, 70, "left");
    if (this.#values instanceof Error) text(ink, this.#values.message, 8, 70, "left", CHOSEN);
    const label = lines.join(", ");
    if (this.canvas.getAttribute("aria-label") !== label) {
      this.canvas.setAttribute("aria-label", label);
    }
  }

  /** All slices in a column, stack by stack; the one that is shown is filled. */
  #strip(ink, width, height) {
    const { slices } = this.series;
    const step = height / slices.length;
    slices.forEach((slice, index) => {
      const starts = index === 0 || slices[index - 1].stack !== slice.stack;
      const top = index * step + (starts && index > 0 ? Math.min(3, step / 2) : 0);
      const gap = step > 5 ? 1 : 0;
      ink.fillStyle = index === this.index ? CHOSEN : slice.stack % 2 ? "#4a5058" : "#343a42";
      ink.fillRect(width - 12, top, 10, Math.max((index + 1) * step - top - gap, 1));
    });
  }
}

/** The window between two shares of the values; as it stands, it shows nearly all. */
function windowOf(values, from = 0.01, to = 0.995) {
  const some = values.filter((_, i) => i % 16 === 0).sort();
  const low = some[Math.floor(some.length * from)];
  const high = some[Math.floor(some.length * to)];
  return { width: Math.max(high - low, 1e-3), centre: (low + high) / 2 };
}
