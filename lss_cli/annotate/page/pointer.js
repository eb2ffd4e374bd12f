// Mouse, pen, touch and wheel on a picture, in the habits of a reading room.

// A hand that clicks moves a little.
const STEADY = 3;
const NEAR = 8;
const TOUCH_STEP = 14;
const WHEEL_STEP = 30;

/**
 * @param {import("./viewer.js").Viewer} viewer
 * @param {{press(point), drag?(point), release?(point)}} act What the left button and a tap do.
 */
export function listen(viewer, act) {
  const { canvas } = viewer;
  const down = new Map();
  let mode = null;
  let start = null;
  let rolled = 0;

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const pixel = (position) => viewer.toPixel(position);

  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  // Chromium starts its own scrolling on this one.
  canvas.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());

  canvas.addEventListener("pointerdown", (event) => {
    if (!viewer.series) return;
    const position = at(event);
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, position);
    if (viewer.onStrip(position) !== null) {
      mode = "strip";
      viewer.show(viewer.onStrip(position));
    } else if (event.pointerType === "touch") {
      mode = down.size === 2 ? "pinch" : down.size === 1 ? "tap" : null;
    } else {
      mode = ["act", "pan", "window"][event.button] ?? null;
      start = position;
      if (mode === "act") act.press(pixel(position));
    }
  });

  canvas.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const now = at(event);
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    if (mode === "tap" || mode === "scroll") {
      if (mode === "tap" && Math.hypot(dx, dy) < NEAR) return;
      mode = "scroll";
      const steps = Math.trunc(dy / TOUCH_STEP);
      viewer.scroll(steps);
      down.set(event.pointerId, [now[0], before[1] + steps * TOUCH_STEP]);
      return;
    }
    if (mode === "pinch") {
      const [other] = [...down].filter(([id]) => id !== event.pointerId).map(([, where]) => where);
      const span = (where) => Math.hypot(where[0] - other[0], where[1] - other[1]);
      viewer.zoomAt(span(now) / Math.max(span(before), 1), other);
      viewer.pan(dx / 2, dy / 2);
    }
    if (mode === "strip") viewer.show(viewer.onStrip([Infinity, now[1]]));
    if (mode === "act" && start && Math.hypot(now[0] - start[0], now[1] - start[1]) >= STEADY) {
      start = null;
    }
    if (mode === "act" && !start) act.drag?.(pixel(now));
    if (mode === "pan") viewer.pan(dx, dy);
    if (mode === "window") viewer.adjustWindow(Math.exp(dx / 200), -dy / 300);
    down.set(event.pointerId, now);
  });

  const up = (event) => {
    const position = down.get(event.pointerId);
    if (!down.delete(event.pointerId)) return;
    if (event.type === "pointerup") {
      if (mode === "tap") act.press(pixel(position));
      if (mode === "tap" || mode === "act") act.release?.(pixel(at(event)));
    }
    mode = null;
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);

  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      if (!viewer.series) return;
      // Firefox counts in lines.
      const turned = event.deltaY * (event.deltaMode === 1 ? 33 : 1);
      if (event.ctrlKey || event.metaKey) {
        viewer.zoomAt(Math.exp(-turned / 500), at(event));
        return;
      }
      // A notch of a mouse wheel is one slice; the small steps of a touchpad add up to one.
      rolled = Math.abs(turned) >= WHEEL_STEP ? Math.sign(turned) * WHEEL_STEP : rolled + turned;
      if (Math.abs(rolled) >= WHEEL_STEP) {
        viewer.scroll(Math.sign(rolled));
        rolled = 0;
      }
    },
    { passive: false },
  );
}
