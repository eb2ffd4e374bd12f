// Left and right: the point of the other side, where this side's may lie, and exchanged sides.

import { place, project } from "./geometry.js";

// From one recess to the other: the median of 1,946 pairs of points.
const APART_MM = 15.5;
// How far beyond the canal a point counts as the other side's, as far as another level tells.
const BEYOND_MM = 4;
const SIDES = ["Left", "Right"];

export class Sides {
  /** @param {object} state marks, series, conditions, condition, levels: as the page has them. */
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

  /** Whether a level's point lies where the other side's is to be expected. */
  exchanged(level) {
    const mark = this.#point(this.own.id, level);
    if (!mark || !SIDES.includes(this.own.label)) return false;
    const opposite = this.opposite(level);
    if (opposite) return this.#sign * (this.#across(mark) - this.#across(opposite)) <= 0;
    const canal = this.#canalNear(level);
    return canal !== null && this.#sign * (this.#across(mark) - canal) < -BEYOND_MM;
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

  /** Where the nearest other level that is set has the canal, in mm; null where none is. */
  #canalNear(level) {
    const { levels } = this.state;
    const far = (each) => Math.abs(levels.indexOf(each) - levels.indexOf(level));
    for (const each of [...levels].sort((a, b) => far(a) - far(b))) {
      const own = each === level ? null : this.#point(this.own.id, each);
      const opposite = each === level ? null : this.opposite(each);
      const middles = [];
      if (own) middles.push(this.#across(own) - (this.#sign * APART_MM) / 2);
      if (opposite) middles.push(this.#across(opposite) + (this.#sign * APART_MM) / 2);
      if (middles.length) return middles.reduce((sum, x) => sum + x) / middles.length;
    }
    return null;
  }
}
