// Names what ipywidgets leaves without a name: the live picture, and whether a switch is pressed. Those who
// hear the page are told what is read by a line that nobody sees. `aid.py` is its other half.

const UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap";

function render({ model, el }) {
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  said.style.cssText = UNSEEN;
  el.append(said);
  let box = null;

  const name = () => {
    for (const icon of box.querySelectorAll("button i")) icon.setAttribute("aria-hidden", "true");
    for (const button of box.querySelectorAll(".widget-toggle-button")) {
      button.setAttribute("aria-pressed", button.classList.contains("mod-active"));
    }
  };
  const watch = new MutationObserver(name);
  const tell = () => {
    if (!box && (box = el.closest(".expression-live"))) { // it is in the page only after it was rendered
      name();
      watch.observe(box, { attributes: true, attributeFilter: ["class"], childList: true, subtree: true });
    }
    const picture = box && box.querySelector("img.widget-image");
    if (picture) picture.alt = model.get("words");
    if (said.textContent !== model.get("said")) said.textContent = model.get("said");
  };
  model.on("change", tell);
  const timer = setTimeout(tell);
  return () => {
    clearTimeout(timer);
    watch.disconnect();
    model.off("change", tell);
  };
}

export default { render };
