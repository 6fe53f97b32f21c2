// The page of a report: ribbons of labels over time, and the frame of the moment that is chosen. report_page.py
// puts it and its data into one file. Times are in seconds, boxes in pixels of the upright frame.
"use strict";

const AFTER = 0.004; // seconds into a frame to which the video is set, so that rounding cannot hit the one before
const SLOW = 10000; // milliseconds after which a video that does not answer counts as one that cannot be played
const UNTOLD = 1500; // milliseconds that a browser gets to tell which frame it shows; mostly it takes 20
const TRIES = 8; // how often the video is set again for one frame
const SOON = 20; // milliseconds before that, or the browser may not tell
const HAIR = 0.0005; // seconds by which the time that it tells may be too early
const MANY = 8; // people whose ribbons are shown at once
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

const data = JSON.parse(document.getElementById("data").textContent);
const { labels, end } = data;
const get = (id) => document.getElementById(id);
const make = (tag, name, text) => {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};

let times, people; // of the frames; of the people, with what was read
let frame = 0, person = null; // what is chosen
let view = [0, end]; // the seconds that the ribbons show
let pictures = null; // shows frames: the video, or the thumbnails

// ---- the data

async function unpacked() {
  const bytes = Uint8Array.from(atob(data.packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  let at = 0;
  const summed = (Type, count) => { // differences, from the first value on
    const part = new Type(buffer.slice(at, at + count * Type.BYTES_PER_ELEMENT));
    at += part.byteLength;
    for (let index = 1; index < count; index++) part[index] += part[index - 1];
    return part;
  };
  times = Array.from(summed(Int32Array, data.frames), (tick) => tick * data.tick);
  people = data.people.map(([number, rows, runs, seconds]) => {
    const kept = Math.ceil(rows / data.every), columns = (Type, count) =>
      Array.from({ length: count }, () => summed(Type, kept));
    return {
      number, seconds,
      frames: summed(Int32Array, rows),
      first: summed(Int32Array, runs), last: summed(Int32Array, runs), label: summed(Int16Array, runs),
      boxes: columns(Int16Array, 4), scores: columns(Int8Array, data.scored),
    };
  });
}

// The index of the last of some rising numbers that is not above a value; -1 if there is none.
function latest(numbers, value) {
  let low = 0, high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const frameAt = (time) => Math.max(0, latest(times, time));
const timeOf = (number) => number < times.length ? times[number] : end;

function runAt(who, number) {
  const index = latest(who.first, number);
  return index >= 0 && number < who.last[index] ? index : -1;
}

// What was read of a person in a frame, null if the person is not there. Of long recordings, boxes and scores
// are kept for some frames only; `from` is the frame they are of.
function readingAt(who, number) {
  const run = runAt(who, number);
  if (run < 0) return null;
  const kept = Math.floor(latest(who.frames, number) / data.every);
  const scores = who.scores.map((column) => column[kept]), index = who.label[run];
  return {
    who, label: labels[index], index, scores, from: who.frames[kept * data.every],
    box: who.boxes.map((column) => column[kept]),
    score: index < scores.length ? scores[index] : null,
  };
}

// ---- words

function clock(time, digits = 2) {
  const whole = Math.round(time * 10 ** digits), unit = 10 ** digits;
  const seconds = (whole % (60 * unit)) / unit, minutes = Math.floor(whole / unit / 60);
  const shown = seconds.toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  if (minutes < 60) return `${minutes}:${shown}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${shown}`;
}

const words = (read) => !read ? "not there" : read.score === null ? read.label.name : `${read.label.name} ${read.score}%`;
const moment = (number) => `${clock(times[number])}, frame ${number}`;

function sentence(number) {
  const others = people.map((who) => [who, readingAt(who, number)]).filter(([who, read]) => read || who === person);
  return `${moment(number)}. ${others.map(([who, read]) => `Person ${who.number}: ${words(read)}`).join(". ")}.`;
}

// ---- the picture

// Shows frames of the video. A browser tells which frame it shows, by its time. If that is another one, the video
// is set a little later or earlier: some browsers guess how long a frame lasts, and then show the one before.
function videoPictures(failed) {
  const video = make("video"), tells = "requestVideoFrameCallback" in video;
  let wanted = null, sought = null; // the frame to show, and the one that the video is being set to
  let aim = 0, low = null, high = null, tries = 0; // where it is set to, and where that was too early or too late
  let shift = 0, seen = null, landed = false; // when the video begins; the time of what it shows
  let busy = true, timer = 0, patience = 0, note = "";
  const fail = () => { clearTimeout(timer); clearTimeout(patience); busy = true; video.remove(); failed(); };
  const wait = () => { clearTimeout(timer); timer = setTimeout(fail, SLOW); };
  const go = () => {
    wait();
    [busy, landed, seen] = [true, false, null];
    video.currentTime = aim;
  };
  const seek = () => {
    [sought, low, high, tries] = [wanted, null, null, 0];
    aim = shift + times[sought] + Math.min(AFTER, (timeOf(sought + 1) - times[sought]) / 2);
    go();
  };
  const done = (shown) => {
    clearTimeout(timer);
    if (wanted !== sought) return setTimeout(seek, SOON);
    busy = false;
    get("source").textContent = shown === sought ? note : `This browser shows the frame at ${moment(shown)}. ${note}`;
    drawFaces(shown, sought);
  };
  const check = () => {
    clearTimeout(patience);
    const shown = seen === null ? sought : frameAt(seen - shift + HAIR);
    if (shown === sought || wanted !== sought || ++tries > TRIES) return done(shown);
    if (shown < sought) low = aim;
    else high = aim;
    aim = low !== null && high !== null ? (low + high) / 2 : Math.max(0, aim + times[sought] - times[shown]);
    setTimeout(go, SOON);
  };
  const begin = () => {
    clearTimeout(patience);
    const late = (start) => Math.abs(video.duration - end - start); // also of videos that do not begin at 0
    if (seen !== null && late(seen - times[0]) < late(0)) shift = seen - times[0];
    const shape = video.videoWidth / video.videoHeight / data.width * data.height;
    if (late(shift) > 1 || Math.abs(shape - 1) > 0.05) {
      note = `${data.video} is not the video that was analysed: its length or its shape is another.`;
    }
    seek();
  };
  let next = null; // what to do once a frame is shown
  const watch = (_now, { mediaTime }) => {
    video.requestVideoFrameCallback(watch);
    seen = mediaTime;
    if (landed) next();
  };
  const arrive = () => { // a hidden page does not tell
    landed = true;
    if (!tells || seen !== null) next();
    else patience = setTimeout(() => next(), UNTOLD);
  };
  if (tells) video.requestVideoFrameCallback(watch);
  video.muted = video.playsInline = true;
  video.preload = "auto";
  video.setAttribute("aria-hidden", "true");
  video.addEventListener("error", fail);
  video.addEventListener("loadeddata", () => {
    wait();
    if (!video.videoWidth) return fail(); // only its sound can be played
    next = () => { next = check; begin(); };
    arrive();
  }, { once: true });
  video.addEventListener("seeked", arrive);
  wait();
  video.src = data.video;
  get("picture").append(video);
  return (number) => {
    wanted = number;
    if (!busy) seek();
  };
}

function thumbnailPictures(why) {
  const picture = make("img"), numbers = data.thumbnails.map(([number]) => number);
  picture.alt = "";
  if (numbers.length) get("picture").append(picture);
  return (number) => {
    const before = Math.max(0, latest(numbers, number)), after = Math.min(before + 1, numbers.length - 1);
    const away = (index) => Math.abs(times[numbers[index]] - times[number]);
    const nearest = away(after) < away(before) ? after : before;
    if (!numbers.length) {
      get("source").textContent = `${why} There is no picture in its place.`;
      drawFaces(number, number);
      return;
    }
    const shown = numbers[nearest];
    picture.src = `data:image/jpeg;base64,${data.thumbnails[nearest][1]}`;
    const from = shown === number ? "A small picture of this frame stands in." :
      `The nearest picture stands in: ${moment(shown)}.`;
    get("source").textContent = why ? `${why} ${from}` : "";
    drawFaces(shown, number);
  };
}

function drawFaces(number, wanted) {
  const place = get("picture"), percent = (part, whole) => `${100 * part / whole}%`;
  for (const old of place.querySelectorAll(".face")) old.remove();
  for (const read of people.map((who) => readingAt(who, number))) {
    if (!read) continue;
    const [x, y, width, height] = read.box, face = make("div", "face");
    face.classList.toggle("chosen", read.who === person);
    face.classList.toggle("low", y < 0.12 * data.height);
    face.classList.toggle("right", x > 0.6 * data.width);
    face.style.left = percent(x, data.width);
    face.style.top = percent(y, data.height);
    face.style.width = percent(width, data.width);
    face.style.height = percent(height, data.height);
    tint(face, read.label);
    face.append(make("span", "", people.length > 1 ? `${read.who.number} ${words(read)}` : words(read)));
    face.setAttribute("aria-hidden", "true");
    place.append(face);
  }
  place.setAttribute("aria-label", `The picture at ${sentence(number)}`);
  [place.dataset.frame, place.dataset.wanted] = [number, wanted];
}

function tint(element, label) {
  element.style.setProperty("--tint", label.colour);
  element.style.setProperty("--ink", label.ink);
}

// ---- the ribbons

function prepared(canvas) {
  const sharp = window.devicePixelRatio || 1, pen = canvas.getContext("2d");
  const wide = canvas.clientWidth, high = canvas.clientHeight;
  canvas.width = Math.round(wide * sharp);
  canvas.height = Math.round(high * sharp);
  pen.setTransform(sharp, 0, 0, sharp, 0, 0);
  pen.font = `13px ${getComputedStyle(document.body).fontFamily}`;
  pen.textBaseline = "middle";
  return [pen, wide, high];
}

const at = (time, wide) => (time - view[0]) / (view[1] - view[0]) * wide;

// Fills a stretch with the colour of a label, and with lines of a direction of its own: not everybody sees colours.
function fill(pen, index, left, top, wide, high) {
  const label = labels[index], way = index % 6, gap = 7;
  pen.fillStyle = label.colour;
  pen.fillRect(left, top, wide, high);
  if (wide < 5 || way === 0) return;
  pen.save();
  pen.beginPath();
  pen.rect(left, top, wide, high);
  pen.clip();
  pen.strokeStyle = label.ink;
  pen.globalAlpha = 0.28;
  pen.beginPath();
  const begin = left - left % gap - high - gap;
  for (let x = begin; x < left + wide + high && way !== 3; x += gap) {
    if (way === 1 || way === 5) { pen.moveTo(x, top + high); pen.lineTo(x + high, top); }
    if (way === 2 || way === 5) { pen.moveTo(x, top); pen.lineTo(x + high, top + high); }
    if (way === 4) { pen.moveTo(x, top); pen.lineTo(x, top + high); }
  }
  for (let y = top + gap / 2; y < top + high && way === 3; y += gap) { pen.moveTo(left, y); pen.lineTo(left + wide, y); }
  pen.stroke();
  pen.restore();
}

function drawLane(who) {
  const [pen, wide, high] = prepared(who.canvas);
  for (let run = Math.max(0, latest(who.first, frameAt(view[0]))); run < who.first.length; run++) {
    const from = timeOf(who.first[run]), to = timeOf(who.last[run]);
    if (from > view[1]) break;
    const left = Math.max(-9, at(from, wide)), right = Math.min(wide + 9, at(to, wide));
    if (right < 0) continue;
    fill(pen, who.label[run], left, 0, Math.max(right - left, 1), high);
    const { name, ink, colour } = labels[who.label[run]], inside = Math.max(left, 0) + 6, room = pen.measureText(name).width;
    if (right - left > 3) { pen.fillStyle = ink; pen.globalAlpha = 0.5; pen.fillRect(left, 0, 1, high); pen.globalAlpha = 1; }
    if (Math.min(right, wide) - inside < room + 6) continue;
    pen.fillStyle = colour;
    pen.fillRect(inside - 3, high / 2 - 9, room + 6, 18);
    pen.fillStyle = ink;
    pen.fillText(name, inside, high / 2 + 1);
  }
}

function drawAxis() {
  const [pen, wide, high] = prepared(get("axis"));
  const step = STEPS.find((each) => at(view[0] + each, wide) > 64) || 7200;
  pen.fillStyle = getComputedStyle(document.body).color;
  for (let tick = Math.ceil(view[0] / step - 1e-9); tick * step <= view[1]; tick++) {
    const x = at(tick * step, wide), text = clock(tick * step, step < 1 ? 1 : 0), half = pen.measureText(text).width / 2;
    pen.fillRect(Math.min(Math.round(x), wide - 1), 0, 1, 4);
    pen.fillText(text, Math.min(Math.max(x - half, 0), wide - 2 * half), high / 2 + 3);
  }
}

function draw() {
  for (const who of people) if (!who.lane.hidden) drawLane(who);
  drawAxis();
  mark();
}

function mark() { // the moment on every ribbon
  for (const who of people) {
    const share = at(times[frame], 1);
    who.line.hidden = share < 0 || share > 1;
    who.line.style.left = `${100 * share}%`;
  }
}

function zoom(factor) {
  const span = Math.min(end, Math.max((view[1] - view[0]) * factor, Math.min(end, 0.5)));
  show(times[frame] - span / 2, span);
}

function show(from, span) {
  from = Math.max(0, Math.min(from, end - span));
  view = [from, from + span];
  get("wider").disabled = span >= end;
  get("closer").disabled = span <= Math.min(end, 0.5);
  draw();
}

// ---- choosing a moment

let telling = 0;

function choose(number, who = person) {
  frame = Math.max(0, Math.min(number, times.length - 1));
  const before = person, span = view[1] - view[0];
  person = who;
  if (times[frame] < view[0] || times[frame] > view[1]) show(times[frame] - span / 2, span);
  else mark();
  const read = readingAt(person, frame);
  if (before !== person) for (const each of people) each.lane.classList.toggle("chosen", each === person);
  for (const each of people) {
    each.track.setAttribute("aria-valuenow", frame);
    each.track.setAttribute("aria-valuetext", `${words(readingAt(each, frame))}, ${clock(times[frame])}`);
  }
  showReading(read);
  pictures(frame);
  clearTimeout(telling);
  telling = setTimeout(() => { get("said").textContent = sentence(frame); }, 400);
}

function showReading(read) {
  const late = read && read.from !== frame ? ` (read in frame ${read.from})` : "";
  get("when").textContent = `${clock(times[frame])} · frame ${frame}`;
  get("what").textContent = `Person ${person.number}: ${words(read)}${late}`;
  get("whose").textContent = `Scores of person ${person.number}`;
  const list = get("scores");
  list.textContent = "";
  if (!read) list.append(make("div", "name", words(read)));
  if (!read) return;
  const order = read.scores.map((_, index) => index);
  if (order.length > 12) order.sort((one, other) => read.scores[other] - read.scores[one]).splice(12);
  for (const index of order) {
    const bar = make("div", "bar"), inside = make("i"), held = index === read.index ? " held" : "";
    tint(inside, labels[index]);
    inside.style.width = `${read.scores[index]}%`;
    bar.append(inside);
    list.append(make("div", `name${held}`, labels[index].name), bar, make("div", `number${held}`, `${read.scores[index]}%`));
  }
}

function segment(way) { // the next or the one before; the start of the present one comes first
  const starts = person.first;
  let index = latest(starts, frame);
  if (way > 0) index += 1;
  else if (index >= 0 && starts[index] === frame) index -= 1;
  if (index >= 0 && index < starts.length) choose(starts[index]);
}

function key(event, who) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const seen = people.filter((each) => !each.lane.hidden), place = seen.indexOf(who);
  const far = event.shiftKey ? segment : (way) => choose(frame + way);
  const ways = {
    ArrowLeft: () => far(-1), ArrowRight: () => far(1), PageUp: () => segment(-1), PageDown: () => segment(1),
    Home: () => choose(0), End: () => choose(times.length - 1),
    ArrowUp: () => place > 0 && seen[place - 1].track.focus(),
    ArrowDown: () => place < seen.length - 1 && seen[place + 1].track.focus(),
    Enter: () => { choose(frame, who); get("moment").scrollIntoView({ block: "nearest" }); },
  };
  if (!ways[event.key]) return;
  event.preventDefault();
  ways[event.key]();
}

function addLane(who) {
  const lane = make("div", "lane"), track = make("div", "track"), tip = make("div", "tip"), name = make("div", "who");
  const title = `Person ${who.number} `;
  Object.assign(who, { lane, track, canvas: make("canvas"), line: make("i") });
  name.append(title, make("span", "", `${who.seconds.toFixed(1)} s`));
  track.tabIndex = 0;
  const facts = { role: "slider", "aria-label": title.trim(), "aria-valuemin": 0, "aria-valuemax": times.length - 1, "aria-describedby": "keys" };
  for (const [fact, value] of Object.entries(facts)) track.setAttribute(fact, value);
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  const under = (event) => {
    const { left, width } = track.getBoundingClientRect(), share = Math.min(Math.max((event.clientX - left) / width, 0), 1);
    const number = frameAt(view[0] + share * (view[1] - view[0]));
    tip.hidden = false;
    tip.textContent = `${clock(times[number])} · ${words(readingAt(who, number))}`;
    tip.style.left = `${Math.min(Math.max(share * width - tip.offsetWidth / 2, 0), width - tip.offsetWidth)}px`;
    return number;
  };
  track.addEventListener("pointermove", (event) => { const number = under(event); if (event.buttons & 1) choose(number, who); });
  track.addEventListener("pointerleave", () => { tip.hidden = true; });
  track.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    track.setPointerCapture(event.pointerId);
    track.focus({ preventScroll: true });
    choose(under(event), who);
  });
  track.addEventListener("wheel", (event) => { // sideways
    const span = view[1] - view[0];
    if (!event.deltaX || span >= end) return;
    event.preventDefault();
    show(view[0] + event.deltaX / track.clientWidth * span, span);
  }, { passive: false });
  track.addEventListener("focus", () => { if (person !== who) choose(frame, who); });
  track.addEventListener("keydown", (event) => key(event, who));
  track.append(who.canvas, who.line, tip);
  lane.append(name, track);
  get("ribbons").insertBefore(lane, get("axis"));
}

function addLegend() {
  labels.forEach(({ name }, index) => {
    const item = make("li"), swatch = make("canvas");
    item.append(swatch, name);
    get("legend").append(item);
    const [pen, wide, high] = prepared(swatch);
    fill(pen, index, 0, 0, wide, high);
  });
}

function hideMany() {
  const rest = [...people].sort((one, other) => other.seconds - one.seconds).slice(MANY);
  for (const who of rest) who.lane.hidden = true;
  get("more").hidden = !rest.length;
  get("more").textContent = rest.length === 1 ? "Show 1 more person" : `Show ${rest.length} more people`;
  get("more").addEventListener("click", () => {
    for (const who of rest) who.lane.hidden = false;
    get("more").hidden = true;
    rest[0].track.focus();
    draw();
  });
}

function fit() { // the picture, within the page and within a part of the window's height
  const place = get("picture");
  place.style.aspectRatio = `${data.width} / ${data.height}`;
  place.style.maxWidth = `min(100%, ${60 * data.width / data.height}vh)`;
}

async function start() {
  await unpacked();
  if (document.hidden) await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
  for (const id of ["moment", "time", "reading"]) get(id).hidden = false;
  fit();
  people.forEach(addLane);
  hideMany();
  addLegend();
  const ways = {
    "segment-before": () => segment(-1), "segment-after": () => segment(1),
    "frame-before": () => choose(frame - 1), "frame-after": () => choose(frame + 1),
    closer: () => zoom(0.5), wider: () => zoom(2),
  };
  for (const [id, way] of Object.entries(ways)) get(id).addEventListener("click", way);
  const failed = () => {
    pictures = thumbnailPictures(`This browser cannot play ${data.video}, or it is no longer there.`);
    pictures(frame);
  };
  person = people.reduce((most, who) => who.seconds > most.seconds ? who : most);
  pictures = data.video ? videoPictures(failed) : thumbnailPictures("");
  person.lane.classList.add("chosen");
  zoom(1);
  choose(person.first[0]);
  new ResizeObserver(draw).observe(get("ribbons"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

start().catch((error) => {
  get("said").className = "note";
  get("said").textContent = "The timeline cannot be shown. Expected a browser from 2023 or later. Update yours.";
  throw error;
});
