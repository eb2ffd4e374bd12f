// The end: the result, with a way to print and to keep it.

const UNGRADABLE = 422;

/**
 * Show the result in place of all else; resolves when it stands there.
 *
 * @param {string} study Its name.
 * @param {() => Promise<{address: string, text: string}>} fetchResult
 */
export async function showResult(study, fetchResult) {
  let result = null;
  let reason = "";
  try {
    result = await fetchResult();
  } catch (error) {
    // It cannot be graded: the command, when it ends, says the same.
    if (error.status !== UNGRADABLE) throw error;
    reason = error.message;
  }
  const bar = document.createElement("header");
  bar.className = "done";
  bar.append(paragraph("Done. The command goes on; this page can be closed."));
  document.body.replaceChildren(bar);
  if (!result) return bar.append(paragraph(reason, "error"));
  const frame = Object.assign(document.createElement("iframe"), { title: "Result" });
  const print = () => frame.contentWindow.print();
  bar.append(
    button("print", "Print", print),
    button("save", "Save this page", () => save(study, result.text)),
  );
  const loaded = new Promise((done) => frame.addEventListener("load", done, { once: true }));
  frame.src = result.address;
  document.body.append(frame);
  await loaded;
  // Ctrl+P means the result, not the frame around it.
  for (const pane of [window, frame.contentWindow]) {
    pane.addEventListener("keydown", (event) => {
      if (event.key !== "p" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      print();
    });
  }
}

function save(study, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/html" }));
  link.download = `lss ${study}.html`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function paragraph(words, className = "") {
  return Object.assign(document.createElement("p"), { textContent: words, className });
}

function button(id, words, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", id });
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}
