// What the keys do. The pictures' own are here, the others are handed in.

const CROSS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/**
 * @param {import("./viewer.js").Viewer} axial
 * @param {import("./viewer.js").Viewer} sagittal
 * @param {{[key: string]: () => void}} acts By key; "u" is Ctrl+Z too, "y" is Ctrl+Y and
 *   Ctrl+Shift+Z.
 */
export function listenToKeys(axial, sagittal, acts) {
  const aimed = () => (document.activeElement === sagittal.canvas ? sagittal : axial);
  const middle = ({ canvas }) => [canvas.clientWidth / 2, canvas.clientHeight / 2];
  const keys = {
    ArrowUp: () => aimed().scroll(-1),
    ArrowDown: () => aimed().scroll(1),
    ArrowLeft: () => sagittal.scroll(-1),
    ArrowRight: () => sagittal.scroll(1),
    PageUp: () => aimed().scroll(-5),
    PageDown: () => aimed().scroll(5),
    Home: () => aimed().show(0),
    End: () => aimed().show(Infinity),
    "+": () => aimed().zoomAt(1.25, middle(aimed())),
    "-": () => aimed().zoomAt(0.8, middle(aimed())),
    "[": () => aimed().adjustWindow(0.9, 0),
    "]": () => aimed().adjustWindow(1 / 0.9, 0),
    ",": () => aimed().adjustWindow(1, 0.05),
    ".": () => aimed().adjustWindow(1, -0.05),
    ...acts,
  };

  function meant({ key, ctrlKey, metaKey, altKey, shiftKey }) {
    if (altKey) return null;
    if (shiftKey && key in CROSS) {
      const far = ctrlKey ? 10 : 1;
      return () => axial.moveCursor(...CROSS[key].map((step) => step * far));
    }
    const name = key.length === 1 ? key.toLowerCase() : key;
    if (ctrlKey || metaKey) return { z: shiftKey ? acts.y : acts.u, y: acts.y }[name];
    return keys[name];
  }

  addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea, dialog")) return;
    if (event.key === "Enter" && event.target.closest("button, a")) return;
    const act = meant(event);
    if (!act) return;
    event.preventDefault();
    act();
  });
}
