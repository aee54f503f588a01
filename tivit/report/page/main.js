// Puts the parts together: data, buttons, keys, files, sliders.
const find = (id) => document.getElementById(id);
const data = JSON.parse(find("data").textContent);
const video = find("video");
const endS = Math.max(data.start_s + data.read_s, ...data.notes.map((note) => note.offset_s));
const store = makeStore(data.notes);
const player = makePlayer(video, endS, data.start_s);
const roll = makeRoll(find("roll"), store, player, data, endS);
const picture = makePicture(find("picture"), find("film"), find("overlay"), find("keyboard"), data);
player.notes = () => store.notes;

let colours = null;
const colour = (name) => {
  colours = colours || getComputedStyle(document.documentElement);
  return colours.getPropertyValue(name).trim();
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { colours = null; });

const say = (words) => { find("status").textContent = words; };
const server = data.is_served ? makeServer(say) : null;
const summary = () => {
  const speed = Math.round(Music.bpm(data.tempo, endS - data.start_s));
  const key = data.tempo.key ? `, key ${data.tempo.key.name}` : "";
  find("summary").textContent = `${store.notes.length} notes in ${Music.clock(data.read_s)}, about ${speed} beats a minute${key}`
    + `${data.is_partial ? " (partial: the work was stopped)" : ""}.`;
  find("summary").title = data.texts[0];
};

const describe = () => {
  const note = store.chosen;
  if (!note) return say("No note is chosen.");
  const sure = note.onset_probability === null ? "set by hand" : `${Math.round(note.onset_probability * 100)} % sure`;
  return say(`${Music.name(note.midi)}, ${note.hand || "no"} hand, ${note.onset_s.toFixed(3)} to ${note.offset_s.toFixed(3)} s, ${sure}`);
};

// Passages in which a note, or its hand, is doubtful; neighbours within a second are one passage.
const doubts = () => {
  const spans = [];
  for (const note of store.notes) {
    const isDoubtful = note.onset_probability !== null
      && (note.onset_probability < data.doubt_below || (note.hand_probability !== null && note.hand_probability < 0.75));
    if (!isDoubtful) continue;
    const last = spans[spans.length - 1];
    if (last && note.onset_s - last.end < 1) { last.end = Math.max(last.end, note.offset_s); last.count++; }
    else spans.push({ start: note.onset_s, end: note.offset_s, count: 1 });
  }
  listed("unsure", spans.map(({ start, end, count }) => ({ start, end, words: `${count} unsure ${count === 1 ? "note" : "notes"}` })));
};

// Passages as buttons that go there and loop.
const listed = (id, spans) => {
  const list = find(id);
  list.replaceChildren();
  for (const span of spans.slice(0, 300)) {
    const item = document.createElement("li"), button = document.createElement("button");
    button.textContent = `${Music.clock(span.start)} – ${span.words}`;
    button.addEventListener("click", () => {
      player.loop = [Math.max(data.start_s, span.start - 0.5), span.end + 0.5];
      find("loop").setAttribute("aria-pressed", "true");
      player.seek(player.loop[0]);
    });
    item.append(button);
    list.append(item);
  }
  if (!spans.length) list.append(Object.assign(document.createElement("li"), { textContent: "None." }));
};

// Of a clip whose true notes are known: what was found, missed and invented.
const compare = () => {
  if (!data.truth) return;
  const result = Truth.compared(data.truth, store.notes);
  roll.truth = result;
  find("counts").textContent = `${result.found} found, ${result.missed.length} missed, ${result.invented.length} invented: onset F1 ${result.f1.toFixed(3)} at 50 ms.`;
  const wrong = [...result.missed.map((note) => [note, "missed"]), ...result.invented.map((note) => [note, "invented"])];
  wrong.sort(([a], [b]) => a.onset_s - b.onset_s);
  listed("wrong", wrong.map(([note, what]) => ({ start: note.onset_s, end: note.offset_s, words: `${Music.name(note.midi)} ${what}` })));
};
for (const id of ["counts", "truthmarks", "errors"]) find(id).hidden = !data.truth;

let described = null;
store.listen(() => {
  if (described !== store.notes) { described = store.notes; summary(); doubts(); compare(); }
  find("undo").disabled = !store.canUndo;
  find("redo").disabled = !store.canRedo;
  for (const id of ["delete", "split", "hand"]) find(id).disabled = !store.chosen;
  describe();
});

const toggle = () => (player.playing ? player.pause() : player.play());
const otherHand = () => store.chosen && store.edit(store.chosen, { hand: store.chosen.hand === "left" ? "right" : "left", staff: null });
const toggleLoop = () => {
  player.loop = player.loop ? null : roll.span;
  find("loop").setAttribute("aria-pressed", String(Boolean(player.loop)));
};
const neighbour = (step) => {
  const { notes } = store, at = notes.findIndex((note) => store.chosen && note.id === store.chosen.id);
  const next = at < 0 ? notes.find((note) => note.onset_s >= player.now()) || notes[0] : notes[at + step];
  if (next) { store.choose(next); player.seek(next.onset_s); }
};
const actions = {
  play: toggle, loop: toggleLoop, undo: store.undo, redo: store.redo, hand: otherHand,
  add: () => roll.addAt(player.now(), store.chosen ? store.chosen.midi : 60),
  delete: () => store.chosen && store.remove(store.chosen),
  split: () => store.chosen && store.split(store.chosen, player.now()),
  zoomin: () => roll.zoom(0.7), zoomout: () => roll.zoom(1.4),
  savemidi: () => save(Music.midiFile(store.notes, data.tempo, data.texts, data.start_s), "audio/midi", ".mid"),
  savescore: async () => {
    const score = await server.score(store.notes, tempo);
    if (score) { save(score, "application/vnd.recordare.musicxml+xml", ".musicxml"); describe(); }
  },
  findbars: async () => {
    const near = find("nearbpm").value === "" ? null : Number(find("nearbpm").value);
    const found = await server.tempo(store.notes, near);
    if (found) { Object.assign(tempo, found); tempoSet(); describe(); }
  },
  savejson: () => save(JSON.stringify({ ...kept, notes: store.notes.map(({ id, ...note }) => note) }, null, 1), "application/json", ".json"),
};
const { decoding, places, tempo, texts, still, is_black, is_served, has_video, truth, sliders, ...kept } = data;
for (const [id, action] of Object.entries(actions)) find(id).addEventListener("click", () => action());

const save = (content, type, suffix) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = data.video.replace(/\.[^.]*$/, "") + suffix;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};

const moved = (event, note) => {
  const byS = event.shiftKey ? 0.1 : 0.01;
  const sideways = { ArrowLeft: -byS, ArrowRight: byS }[event.key];
  if (sideways && event.altKey) return { offset_s: Math.max(note.onset_s + 0.03, note.offset_s + sideways) };
  if (sideways) return { onset_s: note.onset_s + sideways, offset_s: note.offset_s + sideways };
  const up = { ArrowUp: 1, ArrowDown: -1 }[event.key] * (event.shiftKey ? 12 : 1);
  const midi = note.midi + up;
  return midi >= data.lowest_midi && midi < data.lowest_midi + data.is_black.length ? { midi } : null;
};
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select") || (event.target.matches("button") && [" ", "Enter"].includes(event.key))) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const control = event.ctrlKey || event.metaKey;
  const run = control
    ? { z: event.shiftKey ? store.redo : store.undo, y: store.redo }[key]
    : { " ": toggle, n: () => neighbour(1), p: () => neighbour(-1), h: otherHand, a: actions.add, s: actions.split, l: toggleLoop,
        Delete: actions.delete, Backspace: actions.delete, "+": actions.zoomin, "-": actions.zoomout,
        Escape: () => store.choose(null) }[key];
  if (run) { event.preventDefault(); run(); return; }
  if (control || !key.startsWith("Arrow")) return;
  event.preventDefault();
  const note = store.chosen;
  if (note) { const values = moved(event, note); if (values) store.edit(note, values); }
  else if (key === "ArrowLeft" || key === "ArrowRight") player.seek(player.now() + (key === "ArrowLeft" ? -1 : 1) * (event.shiftKey ? 5 : 0.5));
});

const seek = find("seek");
seek.min = data.start_s;
seek.max = endS;
seek.addEventListener("input", () => player.seek(Number(seek.value)));
find("speed").addEventListener("change", (event) => { player.speed = Number(event.target.value); });
find("sound").addEventListener("change", (event) => { player.sounds = event.target.checked; });
find("filmsound").addEventListener("change", (event) => { video.muted = !event.target.checked; });
find("keys").addEventListener("change", (event) => { picture.showsKeys = event.target.checked; });
find("close").addEventListener("change", (event) => { picture.isClose = event.target.checked; });

video.muted = true;
const withVideo = (source) => {
  video.src = source;
  find("novideo").hidden = true;
  find("still").hidden = true;
  video.hidden = false;
};
const withoutVideo = () => {
  find("still").src = `data:image/jpeg;base64,${data.still}`;
  find("still").hidden = false;
  video.hidden = true;
  find("novideo").hidden = false;
};
video.addEventListener("error", withoutVideo);
find("file").addEventListener("change", (event) => event.target.files[0] && withVideo(URL.createObjectURL(event.target.files[0])));
if (data.has_video) {
  const bytes = Uint8Array.from(atob(find("videodata").textContent), (c) => c.charCodeAt(0));
  withVideo(URL.createObjectURL(new Blob([bytes], { type: find("videodata").dataset.kind })));
  find("videodata").textContent = "";
} else if (data.is_served) withVideo("video");
else withoutVideo();
find("back").hidden = find("savescore").hidden = find("anew").hidden = !data.is_served;
find("noscore").hidden = data.is_served;

const option = (text, value) => Object.assign(document.createElement("option"), { textContent: text, value });
const measured = () => { roll.measure(); summary(); };
find("meter").append(...[2, 3, 4, 5, 6].map((count) => option(count, count)));
find("meter").addEventListener("change", (event) => { tempo.beats_per_bar = Number(event.target.value); measured(); });
find("key").append(option("none", ""), ...Music.keys.map((key, n) => option(key.name, n)));
const shownTempo = () => {
  find("meter").value = tempo.beats_per_bar;
  find("key").value = tempo.key ? Music.keys.findIndex((key) => key.fifths === tempo.key.fifths && key.is_minor === tempo.key.is_minor) : "";
};
find("key").addEventListener("change", (event) => { tempo.key = event.target.value === "" ? null : Music.keys[event.target.value]; measured(); });
// A quarter that is half as long has twice as many ticks in the same time. Always from what came with the notes: no rounding adds up.
let firstTempo = null, tempoTimes = 1;
const tempoSet = () => {
  firstTempo = { us: tempo.us_per_quarter, ticks: tempo.ticks };
  tempoTimes = 1;
  shownTempo();
  measured();
};
const atTempo = (times) => {
  const us = firstTempo.us.map((value) => Math.round(value / (tempoTimes * times)));
  if (us.some((value) => value < 60000 || value > 16000000)) return;
  tempoTimes *= times;
  tempo.us_per_quarter = us;
  tempo.ticks = firstTempo.ticks.map((value) => Math.round(value * tempoTimes));
  measured();
};
tempoSet();
find("slower").addEventListener("click", () => atTempo(0.5));
find("faster").addEventListener("click", () => atTempo(2));

const SLIDERS = [
  ["onset", "threshold", "Onset", ["more notes", "fewer notes"]], ["pitch", "threshold", "Key down", ["more notes", "fewer notes"]],
  ["pitch", "hold", "Hold", ["longer notes", "shorter notes"]], ["offset", "threshold", "Release", ["earlier ends", "later ends"]],
];
const makeSliders = async () => {
  if (!data.decoding && !server) { find("nosliders").hidden = false; return; }
  const rows = data.decoding ? await Decode.opened(data.decoding) : null, inputs = [];
  const here = () => {
    const values = structuredClone(data.decoding.values);
    for (const { head, field, input } of inputs) {
      // Black keys may have values of their own: a slider moves both by as much.
      const by = Number(input.value) - data.sliders[head][field];
      values[head][field] = values[head][field].map((value) => Math.min(1, Math.max(0.01, value + by)));
    }
    return Decode.notes(data.decoding, rows, values, data.lowest_midi);
  };
  const there = () => {
    const values = {};
    for (const { head, field, input } of inputs) (values[head] = values[head] || {})[field] = Number(input.value);
    return server.notes(values);
  };
  const emit = async () => {
    const notes = data.decoding ? here() : await there();
    if (notes) store.replaceAll(notes);
  };
  for (const [head, field, title, [less, more]] of SLIDERS) {
    const label = document.createElement("label"), input = document.createElement("input"), shown = document.createElement("output");
    Object.assign(input, { type: "range", min: 0.05, max: 0.95, step: 0.01, value: data.sliders[head][field], id: `${head}-${field}` });
    const show = () => { shown.textContent = Number(input.value).toFixed(2); };
    input.addEventListener("input", show);
    input.addEventListener("change", emit);
    show();
    const ends = document.createElement("small");
    for (const words of [less, more]) ends.append(Object.assign(document.createElement("span"), { textContent: words }));
    label.append(title, shown, input, ends);
    find("sliders").append(label);
    inputs.push({ head, field, input });
  }
  const again = Object.assign(document.createElement("button"), { textContent: "Back to the first notes", id: "reset" });
  again.addEventListener("click", () => {
    inputs.forEach(({ head, field, input }) => { input.value = data.sliders[head][field]; input.dispatchEvent(new Event("input")); });
    store.replaceAll(data.notes);
  });
  find("sliders").append(again);
  find("slidershelp").hidden = false;
};

for (const words of data.warnings) find("warnings").append(Object.assign(document.createElement("li"), { textContent: words }));
const frame = () => {
  player.step();
  const timeS = player.now();
  picture.draw(store.notes, timeS, colour);
  roll.draw(colour);
  if (document.activeElement !== seek) seek.value = timeS;
  find("clock").textContent = Music.clock(timeS);
  find("play").textContent = player.playing ? "Pause" : "Play";
  find("play").setAttribute("aria-pressed", String(player.playing));
  requestAnimationFrame(frame);
};
store.choose(null);
makeSliders();
requestAnimationFrame(frame);
