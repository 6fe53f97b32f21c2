// Labels what ipywidgets leaves unlabelled: the live picture, and whether a switch is pressed. Screen readers
// get the readings from an invisible line. Tells the kernel while the view is open, and when its page or its
// output is closed, so that no run continues unseen. `accessibility.py` is its other half.

const UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap";

const HERE = 1000; // milliseconds between two messages that the view is open: half of what the kernel waits

function render({ model, el }) {
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  said.style.cssText = UNSEEN;
  el.append(said);
  let box = null, notebook = null; // the live view, and the notebook around it
  let shown = false, used = false; // whether it has a picture, and has the focus

  const send = (message) => {
    try {
      model.send(message);
    } catch {} // its kernel was restarted or has ended
  };
  const here = setInterval(() => send({ here: true }), HERE);
  const hide = () => send({ left: "page" });
  window.addEventListener("pagehide", hide);

  const name = () => {
    for (const icon of box.querySelectorAll("button i")) icon.setAttribute("aria-hidden", "true");
    for (const button of box.querySelectorAll(".widget-toggle-button")) {
      button.setAttribute("aria-pressed", button.classList.contains("mod-active"));
    }
  };
  const watch = new MutationObserver(name);
  const tell = () => {
    if (!box && (box = el.closest(".expression-live"))) { // it is in the page only after rendering
      notebook = box.closest(".jp-Notebook");
      name();
      watch.observe(box, { attributes: true, attributeFilter: ["class"], childList: true, subtree: true });
      box.addEventListener("focusin", () => { used = true; });
      box.addEventListener("focusout", (event) => { used = !event.relatedTarget; });
    }
    if (box && !shown && model.get("said")) { // the notebook may have scrolled to the next cell
      shown = true;
      box.scrollIntoView({ block: "nearest" });
    }
    const picture = box && box.querySelector("img.widget-image");
    if (picture) picture.alt = model.get("words");
    if (said.textContent !== model.get("said")) said.textContent = model.get("said");
  };
  model.on("change", tell);
  const timer = setTimeout(tell);
  return () => {
    clearTimeout(timer);
    clearInterval(here);
    window.removeEventListener("pagehide", hide);
    watch.disconnect();
    model.off("change", tell);
    send({ left: "output" });
    // Return the focus to the cell: otherwise keys would go nowhere.
    if (used && notebook) setTimeout(() => (notebook.querySelector(".jp-Cell.jp-mod-active") || notebook).focus());
  };
}

export default { render };
