// Names what ipywidgets leaves without a name: the live picture, and whether a switch is pressed. Those who
// hear the page are told what is read by a line that nobody sees. Tells the kernel while it is looked at and
// when its page or its output goes, so that no run goes on unseen. `aid.py` is its other half.

const UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap";

const HERE = 1000; // milliseconds until the kernel is told again that somebody may look: half of what it waits

function render({ model, el }) {
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  said.style.cssText = UNSEEN;
  el.append(said);
  let box = null, notebook = null; // the live view, and where it stands
  let shown = false, used = false; // whether it has a picture, and has the keys

  const send = (message) => {
    try {
      model.send(message);
    } catch {} // its kernel was restarted or is gone
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
    if (!box && (box = el.closest(".expression-live"))) { // it is in the page only after it was rendered
      notebook = box.closest(".jp-Notebook");
      name();
      watch.observe(box, { attributes: true, attributeFilter: ["class"], childList: true, subtree: true });
      box.addEventListener("focusin", () => { used = true; });
      box.addEventListener("focusout", (event) => { used = !event.relatedTarget; });
    }
    if (box && !shown && model.get("said")) { // a notebook may have gone on to the next cell
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
    // The keys go back to the cell: they would else go nowhere.
    if (used && notebook) setTimeout(() => (notebook.querySelector(".jp-Cell.jp-mod-active") || notebook).focus());
  };
}

export default { render };
