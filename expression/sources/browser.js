// The camera of the page: asks for it, shows a small preview, and sends JPEG pictures to the kernel.
// `browser.py` is its other half. At most IN_FLIGHT pictures are under way, always the newest, so the pace
// is what the link and the kernel can take; a slow link gets smaller pictures.

const WIDTH = 640, HEIGHT = 480, PACE = 40; // pixels asked of the camera, milliseconds between pictures
const IN_FLIGHT = 3;
const SLOW = 250, QUICK = 100; // milliseconds there and back: pictures get smaller, and larger again
const SMALLEST = 0.4;
const DEAF = 3000, GONE = 20000; // milliseconds without an answer: told, and the camera goes off

function render({ model, el }) {
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
  const told = document.createElement("span");
  const box = document.createElement("div");
  box.className = "expression-camera";
  box.style.cssText = "display:flex;align-items:center;gap:10px;min-height:32px";
  video.style.cssText = "width:120px;border-radius:6px;transform:scaleX(-1);display:none";
  video.setAttribute("aria-label", "Preview of your camera");
  told.setAttribute("role", "status");
  box.append(video, told);
  el.append(box);

  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  const sent = new Map(); // number: when it was sent
  let stream = null, timer = 0, number = 0, busy = false, scale = 1, trip = 0, answered = 0;
  let taken = 0, since = 0; // pictures that were answered, and since when they are counted

  const say = (text) => { if (told.textContent !== text) told.textContent = text; };

  const stop = (text) => {
    clearInterval(timer);
    if (stream) for (const track of stream.getTracks()) track.stop();
    stream = video.srcObject = null;
    video.style.display = "none";
    say(text);
  };

  const send = () => {
    const now = performance.now();
    if (sent.size && now - answered > GONE) return stop("The camera is off: the kernel does not answer. Run the cell again.");
    if (sent.size && now - answered > DEAF) say("The kernel is busy and takes no pictures.");
    if (busy || sent.size >= IN_FLIGHT || video.readyState < 2) return;
    busy = true;
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(async (blob) => {
      const bytes = await blob.arrayBuffer();
      busy = false;
      if (!stream) return;
      number += 1;
      const leaves = performance.now();
      if (!sent.size) answered = leaves;
      sent.set(number, leaves);
      model.send({ number, age: leaves - now + trip / 2 }, undefined, [bytes]);
    }, "image/jpeg", 0.8);
  };

  const hear = (message) => {
    const now = performance.now(), left = sent.get(message.number);
    if (left === undefined) return;
    sent.delete(message.number);
    trip = trip ? 0.8 * trip + 0.2 * (now - left) : now - left;
    answered = now;
    taken += 1;
    if (trip > SLOW) scale = Math.max(SMALLEST, scale * 0.9);
    if (trip < QUICK) scale = Math.min(1, scale * 1.02);
    if (now - since < 1000) return;
    const rate = (1000 * taken) / (now - since);
    say(`Your camera is on: ${rate.toFixed(0)} pictures a second, there and back in ${trip.toFixed(0)} ms.`);
    taken = 0;
    since = now;
  };

  const start = async () => {
    if (!navigator.mediaDevices) {
      say("This page gets no camera: it came by http. Open it by https, or as localhost.");
      return model.send({ failed: "insecure" });
    }
    say("Your browser asks whether this page may use the camera. Please allow it.");
    try {
      const wish = { width: { ideal: WIDTH }, height: { ideal: HEIGHT }, facingMode: "user" };
      stream = await navigator.mediaDevices.getUserMedia({ video: wish, audio: false });
    } catch (error) {
      say(`The page got no camera (${error.name}).`);
      return model.send({ failed: error.name });
    }
    if (!el.isConnected || !model.get("wanted")) return stop("The camera is off.");
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      stop("The camera is off: it was unplugged, or its permission taken back.");
      model.send({ failed: "ended" });
    });
    video.srcObject = stream;
    await video.play();
    video.style.display = "";
    answered = since = performance.now();
    timer = setInterval(send, PACE);
  };

  const obey = () => (model.get("wanted") ? start() : stop("The camera is off."));
  const leave = () => { if (stream) model.send({ left: true }); };
  model.on("msg:custom", hear);
  model.on("change:wanted", obey);
  window.addEventListener("pagehide", leave);
  obey();
  return () => {
    model.off("msg:custom", hear);
    model.off("change:wanted", obey);
    window.removeEventListener("pagehide", leave);
    stop("");
  };
}

export default { render };
