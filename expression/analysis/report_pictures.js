// The frames that the page of a report shows: those of the video itself, or small pictures that stand in for it.
// report_page.js, which comes first in the page, calls `videoPictures` and `thumbnailPictures`.

const AFTER = 0.004; // seconds into a frame to which the video is set, so that rounding cannot hit the one before
const SLOW = 10000; // milliseconds after which a video that does not answer counts as one that cannot be played
const UNTOLD = 1500; // milliseconds that a browser gets to tell which frame it shows; mostly it takes 20
const TRIES = 8; // how often the video is set again for one frame
const SOON = 20; // milliseconds before that, or the browser may not tell
const HAIR = 0.0005; // seconds by which the time that it tells may be too early

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
      note = `${data.video} is not the video that was analysed: its length or its shape is different.`;
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
      get("source").textContent = `${why} There is no picture to show instead.`;
      drawFaces(number, number);
      return;
    }
    const shown = numbers[nearest];
    picture.src = `data:image/jpeg;base64,${data.thumbnails[nearest][1]}`;
    const from = shown === number ? "A small picture of this frame is shown instead." :
      `The nearest picture is shown instead: ${moment(shown)}.`;
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
