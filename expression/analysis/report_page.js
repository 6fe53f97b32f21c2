// The page of a report: ribbons of labels over time, and the frame of the moment that is chosen. report_page.py
// puts it, report_readings.js, report_pictures.js and the data into one file. Times are in seconds, boxes in pixels
// of the upright frame.
"use strict";

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
  document.body.style.setProperty("--wide", `${60 * data.width / data.height}vh`);
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

// All files are there by then.
queueMicrotask(() => start().catch((error) => {
  get("said").className = "note";
  get("said").textContent = "The timeline cannot be shown. Expected a browser from 2023 or later. Update yours.";
  throw error;
}));
