// The live page: follows a run by server-sent events, and changes its switches. `streams.py` is the other half.
"use strict";

const at = (id) => document.getElementById(id);
const SILENT = 12000; // milliseconds without a sign of life until the connection counts as lost
const AGAIN = 2500; // milliseconds until the next try
const CALM = 3000; // milliseconds between two announcements, and that a label must last for one

let about = null; // what the run is, told once
let source = null; // the stream of events
let heard = 0; // when something was heard last
let again = null; // the timer of the next try
let minutes = new Map(); // minute: label
let state = null; // the newest reading
let mood = { label: "", since: 0, said: "", at: 0 }; // for the announcements

const shown = (label) => (label === null ? "Nobody" : label === "not sure" ? "Not sure" : label);
const tint = (label) => (label === null ? "transparent" : (about.colours[label] || about.unsure));

function make(name, parent, text, kind) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  parent.append(element);
  return element;
}

function write(element, text) { // only where it changes, so that nothing is announced or drawn twice
  if (element.textContent !== text) element.textContent = text;
}

// The connection

function link(text, lost, over) {
  write(at("link"), text);
  at("link").classList.toggle("lost", lost);
  at("over").hidden = !over;
  write(at("over"), over || "");
  for (const control of document.querySelectorAll(".switches input, .switches select")) control.disabled = lost;
}

async function connect() {
  clearTimeout(again);
  disconnect();
  if (document.hidden) return;
  let answer = null;
  try {
    answer = await fetch("/live/about");
  } catch { /* it is not there */ }
  if (answer && answer.status === 401) return location.reload(); // it asks for the key
  if (!answer || !answer.ok) return lost();
  listen();
}

function disconnect() {
  if (source) source.close();
  source = state = null;
  at("picture").removeAttribute("src"); // ends its stream
}

function listen() {
  source = new EventSource("/live/events");
  heard = Date.now();
  const on = (name, act) => source.addEventListener(name, (event) => {
    heard = Date.now();
    act(JSON.parse(event.data));
  });
  on("about", begin);
  on("day", (list) => { for (const [minute, label] of list) minutes.set(minute, label); drawDay(); });
  on("now", (news) => { state = news; draw(); });
  on("ended", ended);
  source.onerror = lost;
}

function lost() {
  if (!at("link").classList.contains("ended")) {
    link("Connection lost, trying again …", true, "The connection to the run was lost. This page keeps trying.");
  }
  disconnect();
  blank();
  clearTimeout(again);
  again = setTimeout(connect, AGAIN);
}

function ended() {
  at("link").classList.add("ended");
  const closed = about && about.camera ? ", and the camera is closed" : "";
  link("The run has ended", true, `The run has ended${closed}. This page continues when another run starts.`);
  disconnect();
  blank();
  again = setTimeout(connect, AGAIN);
}

function blank() { // nothing is known, so nothing old is shown
  write(at("mood"), "…");
  write(at("why"), "");
  write(at("numbers"), "");
  write(at("on-told"), "");
  at("people").replaceChildren();
  at("nobody").hidden = false;
  write(at("nobody"), "Nothing is known at the moment.");
  if (minutes.size) write(at("to"), clock(Math.max(...minutes.keys()) + 1)); // no longer "now"
  document.documentElement.style.setProperty("--dim", 0);
}

setInterval(() => { if (source && Date.now() - heard > SILENT) lost(); }, 1000);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { clearTimeout(again); disconnect(); } else connect();
});

function begin(told) {
  if (about && about.run !== told.run) minutes.clear();
  about = told;
  at("link").classList.remove("ended");
  link("Live", false, "");
  at("picture").src = `/live/picture?${Date.now()}`;
  const choice = at("override");
  choice.replaceChildren(new Option("Follow the readings", ""), ...about.labels.map((label) => new Option(label, label)));
  tellGuests();
}

// What is read

function draw() {
  const { people, lamp, room, switches, status } = state;
  link(switches.on ? (switches.paused ? "Live, paused" : "Live") : "Off", false,
    switches.on || !about.closes ? "" : "The camera is closed. Turn on Recognition to open it again.");
  write(at("numbers"), status.split(" · ").filter((part) => /\d (fps|ms)$/.test(part)).join(" · "));
  document.documentElement.style.setProperty("--lamp", about.lights[lamp] || about.nobody);
  document.documentElement.style.setProperty("--dim", lamp === null ? 0.35 : 1);
  write(at("mood"), switches.override ? switches.override : switches.on ? shown(room) : "Off");
  write(at("why"), because(switches, people.length));
  write(at("nobody"), switches.on ? "Nobody is in view." : "Not looking for faces.");
  at("nobody").hidden = people.length > 0;
  drawPeople(people);
  at("picture").alt = `The live picture: ${words(people)}`;
  drawSwitches(switches);
  announce(switches, people);
}

function because(switches, count) {
  const read = !switches.on ? (about.closes ? "The camera is closed" : "Not looking for faces")
    : count > 1 ? `The nearest of ${count} people` : count ? "One person" : "Nobody is in view";
  if (switches.override) return `Chosen by hand. ${read}.`;
  return switches.paused ? `${read}. The lamp is paused.` : read;
}

const words = (people) => people.length === 0 ? "no face"
  : people.length === 1 ? people[0].label : people.map((each) => `person ${each.person}: ${each.label}`).join(", ");

function drawPeople(people) {
  const box = at("people");
  const sorted = [...people].sort((one, other) => one.person - other.person);
  const cards = new Map([...box.children].map((card) => [card.dataset.person, card]));
  for (const each of sorted) {
    const card = cards.get(String(each.person)) || personCard(box, each);
    cards.delete(String(each.person));
    drawPerson(card, each);
  }
  for (const card of cards.values()) card.remove();
}

function personCard(box, { person, scores }) {
  const card = make("div", box, undefined, "person");
  card.dataset.person = person;
  const title = make("h3", card);
  make("span", title);
  make("small", title, `Person ${person}`);
  const bars = make("ul", card, undefined, "bars");
  for (const label of Object.keys(scores)) {
    const row = make("li", bars);
    row.dataset.label = label;
    make("span", row, label);
    const track = make("span", row, undefined, "track");
    make("i", track).style.background = tint(label);
    make("span", row);
  }
  return card;
}

function drawPerson(card, { label, score, scores }) {
  write(card.querySelector("h3 span"), label === "not sure" ? "Not sure" : `${label} ${Math.round(score * 100)}%`);
  for (const row of card.querySelectorAll("li")) {
    const value = scores[row.dataset.label] || 0;
    row.classList.toggle("read", row.dataset.label === label);
    row.querySelector("i").style.transform = `scaleX(${value})`;
    write(row.lastElementChild, `${Math.round(value * 100)}%`);
  }
}

function announce(switches, people) { // one that is not chatty: what lasts, and now and then
  const now = Date.now();
  const said = [words(people), switches.learning && switches.on ? "look neutral" : "", switches.override ? `${switches.override} chosen` : ""]
    .filter(Boolean).join(", ");
  if (said !== mood.label) Object.assign(mood, { label: said, since: now });
  if (said !== mood.said && now - mood.since >= CALM / 2 && now - mood.at >= CALM) {
    Object.assign(mood, { said, at: now });
    at("said").textContent = said;
  }
}

// Switches

let changing = 0; // clicks that the run has not answered yet

function drawSwitches(switches) {
  if (changing) return; // what arrives meanwhile may be older than the click
  for (const name of ["on", "paused", "neutral", "heat_map"]) at(name).checked = switches[name];
  if (document.activeElement !== at("override") || !at("override").dataset.open) at("override").value = switches.override || "";
  write(at("on-told"), switches.on ? "Looking for faces." : about.closes ? "Off: the camera is closed." : "Not looking for faces.");
  write(at("neutral-told"), switches.learning && switches.on ? "Look neutral, and into the camera …"
    : switches.neutral ? "Learned: what your face always shows is taken out of the readings."
      : "Look neutral for three seconds. What your face always shows is then taken out of the readings.");
  at("neutral-told").classList.toggle("now", switches.learning && switches.on);
}

async function change(wanted) {
  write(at("failed"), "");
  let answer = null;
  changing += 1;
  try {
    answer = await fetch("/live/switches", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(wanted),
    });
  } catch { /* told below */ }
  changing -= 1;
  if (answer && answer.ok) {
    const switches = await answer.json();
    if (state) state.switches = switches;
  } else if (answer && answer.status === 401) {
    return location.reload();
  } else {
    write(at("failed"), "That did not reach the run. Try again in a moment.");
  }
  if (state) draw();
}

for (const name of ["on", "paused", "neutral", "heat_map"]) {
  at(name).addEventListener("change", (event) => change({ [name]: event.target.checked }));
}
at("override").addEventListener("change", (event) => change({ override: event.target.value || null }));

// The last hours

const clock = (minute) => new Date(minute * 60000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function drawDay() {
  const all = [...minutes].sort((one, other) => one[0] - other[0]).slice(-24 * 60);
  minutes = new Map(all);
  if (!all.length) return;
  const last = all[all.length - 1][0] + 1;
  const first = Math.min(all[0][0], last - 60);
  const hours = Math.ceil((last - first) / 60);
  write(at("day-title"), hours === 1 ? "The last hour" : `The last ${hours} hours`);
  const ribbon = at("ribbon");
  ribbon.setAttribute("viewBox", `0 0 ${last - first} 10`);
  ribbon.replaceChildren(...runs(all).map(([from, to, label]) => piece(from - first, to - from, label)));
  write(at("from"), clock(first));
  write(at("to"), "now");
  drawLegend(all);
}

function runs(all) { // minutes in a row with the same label, as from, to, label
  const found = [];
  for (const [minute, label] of all) {
    const last = found[found.length - 1];
    if (last && last[1] === minute && last[2] === label) last[1] = minute + 1;
    else found.push([minute, minute + 1, label]);
  }
  return found;
}

function piece(x, width, label) {
  const rectangle = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const box = { x, y: 0, width, height: 10, fill: tint(label) };
  for (const [name, value] of Object.entries(box)) rectangle.setAttribute(name, value);
  return rectangle;
}

function drawLegend(all) {
  const totals = new Map(); // whole minutes of each label
  for (const [, label] of all.slice(0, -1)) totals.set(label, (totals.get(label) || 0) + 1);
  const current = all[all.length - 1][1]; // of the minute that is not over yet
  totals.set(current, totals.get(current) || 0);
  const sorted = [...totals].sort((one, other) => other[1] - one[1]);
  at("legend").replaceChildren(...sorted.map(([label, count]) => {
    const entry = document.createElement("li");
    make("i", entry).style.background = tint(label);
    make("span", entry, `${shown(label)} ${count ? `${count} min` : "under a minute"}`);
    return entry;
  }));
  const spoken = sorted.map(([label, count]) => `${shown(label)} ${spokenMinutes(count)}`).join(", ");
  write(at("day-told"), `Since ${clock(all[0][0])}: ${spoken}`);
}

const spokenMinutes = (count) => count === 0 ? "under a minute" : count === 1 ? "1 minute" : `${count} minutes`;

// The living room

function tellGuests() {
  const live = about.camera;
  write(at("who"), live
    ? `A camera (${about.source}) reads the faces of everybody it sees, up to ${about.people} at once. Nobody is recognised: people are numbered while they are in view, and get a new number when they come back.`
    : `Nobody in this room is being read: the pictures come from ${about.source}, not from a camera.`);
  write(at("purpose"), about.reacts.length
    ? `What is read changes things here as it happens: ${about.reacts.join(", ")}.`
    : "What is read is shown on this page, and changes nothing else.");
  const memory = "This page itself remembers one label for each minute, until the run ends.";
  write(at("kept"), about.keeps.length ? `${memory} In addition, this is kept or sent elsewhere:`
    : `Nothing is recorded: no picture, no sound, no name. ${memory}`);
  at("keeps").replaceChildren(...about.keeps.map(([name, what]) => {
    const entry = document.createElement("li");
    entry.textContent = `${name}: ${what}`;
    return entry;
  }));
  write(at("stop"), live
    ? `If you would rather not be read, turn off Recognition on this page, or ask whoever runs it. ${about.closes ? "The camera then stays closed" : "The program then does not look for faces"} until somebody turns Recognition on again.`
    : "Recognition can be turned off on this page.");
}

function setRoom(on) {
  document.body.classList.toggle("room", on);
  write(at("room"), on ? "Leave" : "Living room");
  at("room").setAttribute("aria-pressed", on);
}

at("room").addEventListener("click", async () => {
  const on = !document.body.classList.contains("room");
  setRoom(on);
  try {
    if (on) await document.documentElement.requestFullscreen();
    else if (document.fullscreenElement) await document.exitFullscreen();
  } catch { /* a phone without full screen shows the mode all the same */ }
});
document.addEventListener("fullscreenchange", () => { if (!document.fullscreenElement) setRoom(false); });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  setRoom(false);
  if (document.fullscreenElement) document.exitFullscreen();
});

connect();
