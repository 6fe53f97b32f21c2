// What was read, as the page of a report finds it: the data that report_page.py packed, and how it is put in words.
// report_page.js, which comes first in the page, has the names that are used here.

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
