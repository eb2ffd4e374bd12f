// Where studies are shown: each in a frame of its own, the next one laid out behind it.

export class Stage {
  #frames = new Map();

  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    this.message = box.querySelector("#message");
  }

  /** Show a study; resolves when its first slice stands. */
  async show(index, name) {
    const own = this.prepare(index, name);
    this.message.hidden = true;
    this.#reveal(own);
    const canvas = await drawn(own);
    own.contentWindow.focus();
    canvas.focus();
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  }

  /** Whether a study is laid out. */
  has(index) {
    return this.#frames.has(index);
  }

  /** Lay a study out without showing it. */
  prepare(index, name) {
    let frame = this.#frames.get(index);
    if (!frame) {
      frame = document.createElement("iframe");
      // Inert, so that no key can reach what is not seen.
      Object.assign(frame, { src: `study/${index}/`, title: name, inert: true });
      this.box.append(frame);
      this.#frames.set(index, frame);
    }
    return frame;
  }

  /** Say something in place of a study; Enter and the button do the same. */
  say(title, words, label, act) {
    this.#reveal(null);
    this.message.querySelector("h2").textContent = title;
    this.message.querySelector("p").textContent = words;
    const button = this.message.querySelector("button");
    button.textContent = label;
    button.onclick = act;
    button.hidden = !label;
    this.message.hidden = false;
    window.focus();
    button.focus();
  }

  #reveal(own) {
    for (const frame of this.#frames.values()) {
      frame.classList.toggle("shown", frame === own);
      frame.inert = frame !== own;
    }
  }

  /** Let go of all studies but some. */
  keep(indices) {
    for (const [index, frame] of this.#frames) {
      if (indices.includes(index)) continue;
      frame.remove();
      this.#frames.delete(index);
    }
  }
}

/** The axial picture of a frame, once a slice is on it. */
async function drawn(frame) {
  for (;;) {
    const canvas = frame.contentDocument?.querySelector("#axial[data-slice]");
    if (canvas) return canvas;
    await new Promise((done) => setTimeout(done, 10));
  }
}
