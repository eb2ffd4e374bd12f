// What has been set, per condition and level, and the way back.

export class Marks {
  #past = [];

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
    const before = this.#past.pop();
    if (!before) return null;
    const [changed] = [...before, ...this.all].filter(
      (mark) => !(before.includes(mark) && this.all.includes(mark)),
    );
    this.all = before;
    return changed ?? null;
  }

  toJSON() {
    return { marks: this.all, remark: this.remark };
  }
}
