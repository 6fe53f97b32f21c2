// The camera of the page: requests it, shows a small preview, and sends JPEG frames to the kernel.
// `browser.py` is the counterpart. At most IN_FLIGHT frames are in transit, always the newest, so the rate
// adapts to the connection and the kernel; a slow connection gets smaller frames. The kernel follows one view
// of a cell's output, which announces itself before it requests the camera; any other view is turned off.

const WIDTH = 640, HEIGHT = 480, PACE = 40; // pixels requested from the camera, milliseconds between frames
const IN_FLIGHT = 3;
const SLOW = 250, QUICK = 100; // milliseconds of a round trip: frames get smaller, and larger again
const SMALLEST = 0.4;
const DEAF = 3000, GONE = 20000; // milliseconds without a response: reported, and the camera is turned off
const AGAIN = 1000; // milliseconds until a message without a response is repeated

function render({ model, el }) {
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
  const told = document.createElement("span"), rate = document.createElement("span");
  const box = document.createElement("div");
  box.className = "expression-camera";
  box.style.cssText = "display:flex;align-items:center;gap:10px;min-height:32px";
  video.style.cssText = "width:120px;border-radius:6px;transform:scaleX(-1);display:none";
  video.setAttribute("aria-label", "Preview of your camera");
  told.setAttribute("role", "status");
  box.append(video, told, rate);
  el.append(box);

  const view = Math.random().toString(36).slice(2);
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  const sent = new Map(); // number: time of sending
  let stream = null, timer = 0, number = 0, busy = false, scale = 1, trip = 0, answered = 0, removed = false;
  let taken = 0, since = 0; // acknowledged frames, and since when they are counted
  let wished = false, repeated = 0; // whether this view wants the camera; the timer of repeated messages

  const say = (text) => { if (told.textContent !== text) told.textContent = text; };

  const tell = (message, buffers) => {
    try {
      model.send({ view, ...message }, undefined, buffers);
    } catch { // its kernel was restarted or shut down
      stop("The camera is off: the kernel was restarted or shut down. Run the cell again.");
    }
  };

  // JupyterLab may send the first messages to a kernel's main thread, which gets nothing while a cell runs.
  const repeat = (message) => {
    tell(message);
    clearInterval(repeated);
    repeated = setInterval(() => tell(message), AGAIN);
  };

  const stop = (text) => {
    wished = false;
    clearInterval(timer);
    clearInterval(repeated);
    if (stream) for (const track of stream.getTracks()) track.stop();
    stream = video.srcObject = null;
    video.style.display = "none";
    rate.textContent = "";
    sent.clear();
    say(text);
  };

  const fail = (name, text) => {
    stop(text);
    if (!removed) repeat({ failed: name });
  };

  const send = () => {
    const now = performance.now();
    if (now - answered > GONE) return fail("deaf", "The camera is off: the kernel does not respond. Run the cell again.");
    if (now - answered > DEAF) say("The kernel is busy and receives no frames.");
    for (const [each, left] of sent) if (now - left > DEAF) sent.delete(each); // their responses are lost
    if (video.paused) return void video.play().catch(() => {}); // such as after the output was moved
    if (busy || sent.size >= IN_FLIGHT || video.readyState < 2) return;
    busy = true;
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => post(blob, now), "image/jpeg", 0.8);
  };

  const post = async (blob, taken_at) => {
    const bytes = blob && (await blob.arrayBuffer());
    busy = false;
    if (!bytes || !stream) return;
    number += 1;
    const leaves = performance.now();
    sent.set(number, leaves);
    tell({ number, age: leaves - taken_at + trip / 2, size: [video.videoWidth, video.videoHeight] }, [bytes]);
  };

  const hear = (message) => {
    if (message.view !== view) return;
    if (message.off) return stop("The camera is off here: another view of this cell uses it.");
    const now = performance.now(), left = sent.get(message.number);
    answered = now;
    if (left === undefined) return;
    for (const each of [...sent.keys()]) if (each <= message.number) sent.delete(each);
    trip = trip ? 0.8 * trip + 0.2 * (now - left) : now - left;
    taken += 1;
    say("Your camera is on.");
    if (trip > SLOW) scale = Math.max(SMALLEST, scale * 0.9);
    if (trip < QUICK) scale = Math.min(1, scale * 1.02);
    if (now - since < 1000) return;
    rate.textContent = `${((1000 * taken) / (now - since)).toFixed(0)} frames a second, round trip ${trip.toFixed(0)} ms.`;
    taken = 0;
    since = now;
  };

  const start = async () => {
    if (!navigator.mediaDevices) {
      return fail("insecure", "This page cannot use the camera because it was loaded over http. Open it over https, or as localhost.");
    }
    wished = true;
    say("Waiting for the camera. If your browser asks whether this page may use it, please allow it.");
    repeat({ here: true });
    const wish = { width: { ideal: WIDTH }, height: { ideal: HEIGHT }, facingMode: "user" };
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: wish, audio: false });
    } catch (error) {
      if (wished) fail(/system/i.test(error.message) ? "system" : error.name, `The page could not open the camera (${error.name}).`);
      return;
    }
    if (removed || !wished) return stop(told.textContent); // it was turned off or removed meanwhile
    clearInterval(repeated);
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      fail("ended", "The camera is off: it was unplugged, or its permission was revoked.");
    });
    video.srcObject = stream;
    try {
      await video.play();
    } catch (error) {
      if (stream) fail(error.name, `The camera's video cannot be played (${error.name}).`);
      return;
    }
    if (!stream) return;
    video.style.display = "";
    answered = since = performance.now();
    timer = setInterval(send, PACE);
  };

  const obey = () => (model.get("wanted") ? start() : stop("The camera is off."));
  const leave = () => { if (wished) tell({ left: true }); };
  model.on("msg:custom", hear);
  model.on("change:wanted", obey);
  window.addEventListener("pagehide", leave);
  obey();
  return () => {
    leave();
    removed = true;
    model.off("msg:custom", hear);
    model.off("change:wanted", obey);
    window.removeEventListener("pagehide", leave);
    stop("");
  };
}

export default { render };
