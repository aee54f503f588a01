// The list of videos: dropped or chosen, sent to the program on this machine, and followed until they can be opened.
const find = (id) => document.getElementById(id);
const EVERY_MS = 700;
const uploads = new Map();
const rows = new Map();
const seen = new Map();
let nextUpload = 1;

const say = (words) => { find("status").textContent = words; };
const make = (kind, values = {}) => Object.assign(document.createElement(kind), values);

const rowOf = (id) => {
  if (!rows.has(id)) {
    const row = make("li"), name = make("strong"), words = make("span", { className: "small" }), bar = make("progress"), buttons = make("span", { className: "buttons" });
    bar.setAttribute("aria-label", "How much is done");
    row.append(name, bar, words, buttons);
    find("jobs").append(row);
    rows.set(id, { row, name, words, bar, buttons, state: null });
  }
  return rows.get(id);
};

const show = (id, name, words, share, state, makeButtons) => {
  const shown = rowOf(id);
  shown.name.textContent = name;
  shown.words.textContent = words;
  shown.bar.hidden = share === null;
  if (share !== null) { if (share < 0) shown.bar.removeAttribute("value"); else shown.bar.value = share; }
  if (shown.state !== state) {
    shown.state = state;
    shown.row.dataset.state = state;
    shown.buttons.replaceChildren(...makeButtons());
  }
};

const forget = (id) => {
  if (rows.has(id)) rows.get(id).row.remove();
  rows.delete(id);
};

const WORDS = { waiting: "waits for its turn", reading: "", done: "", keyboard: "", failed: "" };
const showJob = (job) => {
  const share = job.state === "reading" ? (job.total_s ? Math.min(1, job.read_s / job.total_s) : -1) : null;
  const time = job.state === "reading" && job.read_s ? `${Math.round(job.read_s)} of ${Math.round(job.total_s) || "?"} s, ` : "";
  show(`job${job.number}`, job.name, WORDS[job.state] || time + job.sentence, share, job.state, () => {
    const links = { done: "Open the notes", keyboard: "Mark the keyboard" }, buttons = [];
    if (links[job.state]) buttons.push(make("a", { className: "button", href: `${job.number}/`, textContent: links[job.state] }));
    const remove = make("button", { textContent: job.state === "reading" ? "Stop" : "Remove" });
    remove.setAttribute("aria-label", `${remove.textContent} ${job.name}`);
    remove.addEventListener("click", () => fetch(`${job.number}/remove`, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" }).then(follow));
    return [...buttons, remove];
  });
};

// A video that is waited for opens by itself: the only one, or the one that the page of its keyboard names. With several, the list stays.
let awaited = Number(location.hash.slice(1)) || null;
if (awaited) history.replaceState(null, "", location.pathname);
const openWhatIsAwaited = (jobs) => {
  const isReady = (job) => ["done", "keyboard"].includes(job.state);
  const named = jobs.find((job) => job.number === awaited);
  if (named && isReady(named)) { awaited = null; location.href = `${named.number}/`; return; }
  const [job] = jobs, before = job && seen.get(job.number);
  if (jobs.length === 1 && !uploads.size && isReady(job) && before && before !== job.state) location.href = `${job.number}/`;
};

const follow = async () => {
  let jobs = null;
  try {
    const answer = await fetch("jobs");
    if (answer.ok) jobs = (await answer.json()).jobs;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  if (!jobs) { say("The program does not answer: is `tivit serve` still running?"); return; }
  if (find("status").textContent.startsWith("The program")) say("");
  const there = new Set(jobs.map((job) => `job${job.number}`));
  for (const id of [...rows.keys()]) if (id.startsWith("job") && !there.has(id)) forget(id);
  jobs.forEach(showJob);
  openWhatIsAwaited(jobs);
  for (const job of jobs) seen.set(job.number, job.state);
};

// XMLHttpRequest, because fetch does not say how much it has sent.
const send = (file) => {
  const id = `upload${nextUpload++}`, request = new XMLHttpRequest();
  const end = (fault) => {
    uploads.delete(id);
    forget(id);
    if (fault) say(`${file.name}: ${fault}`);
    follow();
  };
  const progress = (share) => show(id, file.name, "is sent to the program", share, "upload", () => {
    const stop = make("button", { textContent: "Stop" });
    stop.addEventListener("click", () => request.abort());
    return [stop];
  });
  uploads.set(id, request);
  request.open("POST", `videos?name=${encodeURIComponent(file.name)}`);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.upload.addEventListener("progress", (event) => progress(event.lengthComputable ? event.loaded / event.total : -1));
  request.addEventListener("load", () => {
    if (request.status === 200) { const job = JSON.parse(request.responseText); seen.set(job.number, job.state); end(""); }
    else {
      let fault = `the program answered ${request.status}`;
      try { fault = JSON.parse(request.responseText).error; } catch (error) { if (!(error instanceof SyntaxError)) throw error; }
      end(fault);
    }
  });
  request.addEventListener("error", () => end("could not be sent; it may not be a video, or too large"));
  request.addEventListener("abort", () => end("stopped"));
  say("");
  progress(0);
  request.send(file);
};

const drop = find("drop");
const lit = (is) => drop.classList.toggle("lit", is);
for (const kind of ["dragenter", "dragover"]) document.addEventListener(kind, (event) => { event.preventDefault(); lit(true); });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) lit(false); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  lit(false);
  [...event.dataTransfer.files].forEach(send);
});
find("choose").addEventListener("change", (event) => {
  [...event.target.files].forEach(send);
  event.target.value = "";
});
window.addEventListener("beforeunload", (event) => { if (uploads.size) event.preventDefault(); });
const again = async () => {
  if (!document.hidden) await follow();
  setTimeout(again, EVERY_MS);
};
again();
