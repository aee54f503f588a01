// A keyboard that is to be marked: four corners over a picture, the lowest key, and the command that they make.
const find = (id) => document.getElementById(id);
const data = JSON.parse(find("data").textContent);
const NAMES = ["top left", "top right", "bottom right", "bottom left"];
const [pictureWidth, pictureHeight] = data.picture_px;
const board = find("board"), overlay = find("overlay"), still = find("still"), loupe = find("loupe");
const LOUPE_TIMES = 3;
const corners = data.corners.map(([x, y]) => ({ x, y }));
let isMarked = !data.asks_corners, active = 0;

// As `registration.params` checks them: each turn from one side to the next is to the right.
const areInOrder = () => corners.every((here, n) => {
  const next = corners[(n + 1) % 4], after = corners[(n + 2) % 4];
  return (next.x - here.x) * (after.y - next.y) - (next.y - here.y) * (after.x - next.x) > 0;
});

const command = () => {
  const words = [data.command];
  if (data.asks_corners) words.push("--corners", ...corners.map(({ x, y }) => `${Number(x.toFixed(1))},${Number(y.toFixed(1))}`));
  if (find("firstkey").value) words.push("--first-key", find("firstkey").value);
  if (find("orientation").value) words.push("--orientation", find("orientation").value);
  return words.join(" ");
};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const drawOutline = () => {
  const scale = window.devicePixelRatio || 1, width = board.clientWidth, height = board.clientHeight;
  overlay.width = Math.round(width * scale);
  overlay.height = Math.round(height * scale);
  const pen = overlay.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.strokeStyle = areInOrder() ? "#ffd400" : "#ff3860";
  pen.lineWidth = 2;
  pen.beginPath();
  corners.forEach(({ x, y }, n) => pen[n ? "lineTo" : "moveTo"]((x / pictureWidth) * width, (y / pictureHeight) * height));
  pen.closePath();
  pen.stroke();
};

const drawLoupe = () => {
  const pen = loupe.getContext("2d"), times = still.naturalWidth / pictureWidth, { x, y } = corners[active];
  const wide = loupe.width / LOUPE_TIMES, high = loupe.height / LOUPE_TIMES;
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, loupe.width, loupe.height);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(still, x * times - wide / 2, y * times - high / 2, wide, high, 0, 0, loupe.width, loupe.height);
  pen.strokeStyle = "#ffd400";
  pen.beginPath();
  pen.moveTo(loupe.width / 2, 0);
  pen.lineTo(loupe.width / 2, loupe.height);
  pen.moveTo(0, loupe.height / 2);
  pen.lineTo(loupe.width, loupe.height / 2);
  pen.stroke();
};

const show = () => {
  const text = find("command");
  const isReady = isMarked && (!data.asks_corners || areInOrder());
  text.value = isReady ? command() : "";
  text.placeholder = isMarked ? "The corners must go round: top left, top right, bottom right, bottom left." : "Drag the corners first.";
  for (const id of ["copy", "goon"]) find(id).disabled = !isReady;
  find("said").textContent = "";
  if (!data.asks_corners) return;
  handles.forEach((handle, n) => {
    handle.style.left = `${(corners[n].x / pictureWidth) * 100}%`;
    handle.style.top = `${(corners[n].y / pictureHeight) * 100}%`;
  });
  const { x, y } = corners[active];
  find("place").textContent = `${NAMES[active]}: ${x.toFixed(1)}, ${y.toFixed(1)} px`;
  drawOutline();
  drawLoupe();
};

// A corner may lie a little outside: the camera need not see the last key whole.
const within = (value, size) => Math.min(size * 1.1, Math.max(-size * 0.1, value));
const move = (n, x, y) => {
  corners[n] = { x: within(x, pictureWidth), y: within(y, pictureHeight) };
  active = n;
  isMarked = true;
  show();
};

const makeHandle = (name, n) => {
  const handle = document.createElement("button");
  let drag = null;
  handle.className = "corner";
  handle.setAttribute("aria-label", `${name} corner; the arrow keys move it`);
  handle.addEventListener("focus", () => { active = n; show(); });
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    drag = { px: event.clientX, py: event.clientY, ...corners[n] };
    active = n;
  });
  handle.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const box = board.getBoundingClientRect();
    move(n, drag.x + ((event.clientX - drag.px) / box.width) * pictureWidth, drag.y + ((event.clientY - drag.py) / box.height) * pictureHeight);
  });
  for (const kind of ["pointerup", "pointercancel"]) handle.addEventListener(kind, () => { drag = null; });
  handle.addEventListener("keydown", (event) => {
    const by = event.shiftKey ? 10 : 1;
    const step = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[event.key];
    if (!step) return;
    event.preventDefault();
    move(n, corners[n].x + step[0], corners[n].y + step[1]);
  });
  board.append(handle);
  return handle;
};

find("copy").addEventListener("click", async () => {
  const text = find("command");
  text.select();
  try {
    await navigator.clipboard.writeText(text.value);
    find("said").textContent = "Copied.";
  } catch (error) {
    if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
    find("said").textContent = "This browser does not let a page copy; the command is marked, copy it with Ctrl+C.";
  }
});

// Of `tivit serve`: the server reads the video again with what is marked, and its list shows how far it is.
find("goon").addEventListener("click", async () => {
  const marked = { first_key: find("firstkey").value || null, orientation: find("orientation").value || null };
  if (data.asks_corners) marked.corners = corners.map(({ x, y }) => [x, y]);
  find("goon").disabled = true;
  try {
    const answer = await fetch("keyboard", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(marked) });
    if (!answer.ok) throw new TypeError((await answer.json()).error);
    location.href = `../#${(await answer.json()).number}`;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    find("fault").textContent = error.message;
    find("goon").disabled = false;
  }
});
find("served").hidden = !data.is_served;
find("byhand").hidden = data.is_served;

const option = (text, value) => Object.assign(document.createElement("option"), { textContent: text, value });
find("firstkey").append(option("to be found", ""), ...data.keys.map((name) => option(name, name)));
find("firstkey").value = data.first_key;
find("orientation").append(option("turned as found", ""), ...data.orientations.map((name) => option(name.replaceAll("_", " "), name)));
find("orientation").value = data.orientation;
for (const id of ["firstkey", "orientation"]) find(id).addEventListener("change", show);
find("reason").textContent = data.reason;
find("task").textContent = data.asks_corners
  ? "Drag the four corners to those of the white keys in view. They need not be exact: they are refined."
  : "The keys were found, but not which ones they are. Choose the lowest key that is wholly in view.";
find("near").hidden = !data.asks_corners;
overlay.hidden = !data.asks_corners;
board.style.aspectRatio = `${pictureWidth} / ${pictureHeight}`;
board.style.maxWidth = `${(80 * pictureWidth) / pictureHeight}vh`;
const handles = data.asks_corners ? NAMES.map(makeHandle) : [];
still.addEventListener("load", show);
still.src = `data:image/jpeg;base64,${data.still}`;
window.addEventListener("resize", () => data.asks_corners && drawOutline());
