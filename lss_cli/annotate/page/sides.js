// Left and right: the point of the other side, where this side's may lie.

import { place, project } from "./geometry.js";

// From one recess to the other: the median of 1,946 pairs of points.
const APART_MM = 15.5;
const SIDES = ["Left", "Right"];

export class Sides {
  /** @param {object} state marks, series, conditions, condition, levels. */
  constructor(state) {
    this.state = state;
  }

  /** The condition that is set now: id and label. */
  get own() {
    return this.state.conditions.find(({ id }) => id === this.state.condition);
  }

  /** The same on the other side, if it is asked for. */
  get other() {
    const { own } = this;
    if (!SIDES.includes(own.label)) return null;
    return this.state.conditions.find(({ id, label }) => id !== own.id && SIDES.includes(label));
  }

  /** The mark of a level on the other side, if it is a point. */
  opposite(level) {
    return this.other ? this.#point(this.other.id, level) : null;
  }

  /** The pixel position that mirrors the other side's point of a level, in its slice, or null. */
  mirrored(level) {
    const mark = this.opposite(level);
    if (!mark) return null;
    const slice = this.state.series[mark.series].slices[mark.slice];
    const pairs = this.state.levels.flatMap((each) => {
      const [a, b] = [this.opposite(each), this.#point(this.own.id, each)];
      return a && b && each !== level ? [Math.abs(this.#across(a) - this.#across(b))] : [];
    });
    pairs.sort((a, b) => a - b);
    const apart = pairs.length ? pairs[pairs.length >> 1] : APART_MM;
    const where = place(slice, [mark.x, mark.y]);
    // Patient coordinates run to the left.
    where[0] += this.#sign * apart;
    return project(slice, where);
  }

  get #sign() {
    return this.own.label === "Left" ? 1 : -1;
  }

  #point(condition, level) {
    const mark = this.state.marks.get(condition, level);
    return mark && !mark.not_visible ? mark : null;
  }

  /** How far to the patient's left a mark lies, in mm. */
  #across(mark) {
    return place(this.state.series[mark.series].slices[mark.slice], [mark.x, mark.y])[0];
  }
}
