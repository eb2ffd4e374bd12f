// Setting points: by the left button, by the keyboard's cross, and from the other side's point.

import { markAt } from "./overlay.js";

export class PointSetter {
  /** @param {object} page state, sides, and what it does: say, refresh, choose, changed, show. */
  constructor(page) {
    this.page = page;
    this.held = false;
    this.moves = 0;
    this.set = 0;
  }

  /** The left button on the axial picture: set a point, or take hold of another level's. */
  press(point) {
    const { axial, marks, condition, level } = this.page.state;
    this.moves = 0;
    this.held = this.#allows(point);
    if (!this.held) return;
    const near = markAt(axial, marks, condition, point);
    if (near && near.level !== level) this.page.choose(near.level);
    else this.#move(point);
  }

  drag(point) {
    if (this.held && this.page.state.axial.holds(point)) this.#move(point);
  }

  release() {
    if (this.moves) this.#settle();
    this.held = false;
    this.moves = 0;
  }

  /** Whether the keyboard's cross was moved since a point was set by it. */
  get aims() {
    return Boolean(this.page.state.axial.aimed);
  }

  /** Set the point where the keyboard's cross is. */
  setByKey() {
    const { axial } = this.page.state;
    if (!axial.cursor)
      return this.page.say("Shift and the arrow keys move a cross; Enter sets the point there.");
    if (!this.#allows(axial.cursor)) return;
    this.#put(axial.cursor);
    axial.aimed = false;
    this.#settle();
  }

  /** Move the keyboard's cross to the mirror image of the other side's point; Enter sets it. */
  async mirror() {
    const { state, sides, say, show } = this.page;
    const point = sides.mirrored(state.level);
    if (!point) return say(`${state.level} has no point on the other side to be mirrored.`);
    await show(sides.opposite(state.level));
    state.axial.cursor = point;
    state.axial.canvas.focus();
    state.axial.moveCursor(0, 0);
    say(
      `${state.level}: a proposal from the ${sides.other.label} point. Enter sets it, once it is right; Shift + arrows move it.`,
    );
  }

  /** Whether a point may be set there; says why not. */
  #allows(point) {
    const { axial } = this.page.state;
    if (axial.slice.number !== null) return axial.ready && axial.holds(point);
    this.page.say("This slice has no number of its own, so no point can name it.", "error");
    return false;
  }

  // However long the drag, it is one step of the way back.
  #move(point) {
    this.#put(point, this.moves++ ? "shift" : "put");
  }

  /** Set the point of the chosen level. */
  #put(point, step = "put") {
    const { axial, marks, condition, level } = this.page.state;
    const mark = { series: axial.number, slice: axial.index, x: point[0], y: point[1] };
    marks[step](condition, level, mark);
    this.page.refresh();
  }

  async #settle() {
    const { state, sides, say, choose, advance, changed } = this.page;
    const { condition, level, axial } = state;
    const turn = ++this.set;
    say(`${level}: set on slice ${axial.slice.number}.`);
    const { label } = sides.own;
    advance();
    const next = state.level;
    await changed();
    const fault = state.faults[`${condition} ${level}`];
    if (!fault) return;
    // Back to it, unless the person has gone on.
    if (this.set === turn && !this.held && state.level === next) choose(level, condition);
    say(`${label} ${level}: ${fault}`, "error");
  }
}
