// What has been set, per condition and level, and the way back.

export class Marks {
  #past = [];
  #future = [];

  /** @param {{marks: object[], remark: string}} set What the server kept from an earlier load. */
  constructor({ marks, remark = "" }) {
    this.all = marks;
    this.remark = remark;
  }

  get(condition, level) {
    return this.all.find((mark) => mark.condition === condition && mark.level === level);
  }

  /** Set a mark in place of the one before; `null` only takes it away. */
  put(condition, level, mark) {
    this.#past.push(this.all);
    this.#future = [];
    this.all = this.all.filter((mark) => mark.condition !== condition || mark.level !== level);
    if (mark) this.all = [...this.all, { condition, level, ...mark }];
  }

  /** Move a mark that is being dragged: one step of the way back, however long the drag. */
  shift(condition, level, mark) {
    this.put(condition, level, mark);
    this.#past.pop();
  }

  /** Go one step back; gives the condition and level that changed, or null. */
  undo() {
    return this.#step(this.#past, this.#future);
  }

  /** Take a step back back; gives the same. */
  redo() {
    return this.#step(this.#future, this.#past);
  }

  #step(from, to) {
    const next = from.pop();
    if (!next) return null;
    const [changed] = [...next, ...this.all].filter(
      (mark) => !(next.includes(mark) && this.all.includes(mark)),
    );
    to.push(this.all);
    this.all = next;
    return changed ?? null;
  }

  /** All at once, as one step: what was set before the page was opened. */
  take({ marks, remark }) {
    this.#past.push(this.all);
    this.#future = [];
    this.all = marks;
    this.remark = remark;
  }

  toJSON() {
    return { marks: this.all, remark: this.remark };
  }
}
