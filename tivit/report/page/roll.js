// The piano roll: time to the right, keys upwards, the cursor at a third; notes are chosen, moved and stretched on it.
const makeRoll = (canvas, store, player, data, endS) => {
  const startS = data.start_s;
  let spanS = 8, drag = null, lastTap = { at: 0, x: 0, timeS: 0 };
  const pitches = [...data.notes, ...(data.truth || [])].map((note) => note.midi);
  const low = Math.max(data.lowest_midi, Math.min(60, ...pitches) - 4);
  const high = Math.min(data.lowest_midi + data.is_black.length - 1, Math.max(72, ...pitches) + 4);
  const ruler = 18;
  const size = () => ({ width: canvas.clientWidth, height: canvas.clientHeight });
  const leftS = () => player.now() - spanS / 3;
  const rowOf = () => (size().height - ruler) / (high - low + 1);
  const x = (timeS) => ((timeS - leftS()) / spanS) * size().width;
  const y = (midi) => ruler + (high - midi) * rowOf();
  const timeAt = (px) => leftS() + (px / size().width) * spanS;
  const midiAt = (px) => Math.min(high, Math.max(low, high - Math.floor((px - ruler) / rowOf())));
  const snapped = (timeS) => Math.round(timeS * 1000) / 1000;

  const shown = () => store.notes.filter((note) => note.offset_s > leftS() && note.onset_s < leftS() + spanS);

  const barTimes = () => {
    const { tempo } = data, times = [], last = tempo.starts_s.length - 1;
    for (let bar = 0; ; bar++) {
      const tick = bar * tempo.beats_per_bar * tempo.resolution;
      let part = last;
      while (tempo.ticks[part] > tick) part--;
      const timeS = tempo.starts_s[part] + ((tick - tempo.ticks[part]) / tempo.resolution) * tempo.us_per_quarter[part] / 1e6;
      if (timeS + startS > endS + 1 || times.length > 20000) return times;
      times.push(timeS + startS);
    }
  };
  let bars = barTimes();

  // A frame and a cross, so that it is told by its shape too and not by its colour alone.
  const crossed = (pen, left, top, wide, high, ink) => {
    pen.strokeStyle = ink;
    pen.lineWidth = 2;
    pen.strokeRect(left, top, wide, high);
    const side = Math.min(wide, high);
    pen.beginPath();
    pen.moveTo(left, top);
    pen.lineTo(left + side, top + high);
    pen.moveTo(left, top + high);
    pen.lineTo(left + side, top);
    pen.stroke();
    pen.lineWidth = 1;
  };

  const draw = (colour) => {
    const { width, height } = size(), scale = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const pen = canvas.getContext("2d"), row = rowOf();
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.fillStyle = colour("--row");
    for (let midi = low; midi <= high; midi++) if (data.is_black[midi - data.lowest_midi]) pen.fillRect(0, y(midi), width, row);
    pen.strokeStyle = colour("--line");
    for (let midi = Math.ceil(low / 12) * 12; midi <= high; midi += 12) {
      const edge = Math.round(y(midi) + row) + 0.5;
      pen.beginPath();
      pen.moveTo(0, edge);
      pen.lineTo(width, edge);
      pen.stroke();
    }
    pen.fillStyle = colour("--soft");
    pen.font = "11px system-ui, sans-serif";
    for (const timeS of bars) {
      const place = Math.round(x(timeS)) + 0.5;
      if (place < 0 || place > width) continue;
      pen.beginPath();
      pen.moveTo(place, ruler);
      pen.lineTo(place, height);
      pen.stroke();
    }
    const step = spanS > 40 ? 10 : spanS > 16 ? 5 : 1;
    for (let s = Math.max(0, Math.ceil(leftS() / step) * step); s < leftS() + spanS; s += step) pen.fillText(Music.clock(s).slice(0, -2), x(s) + 2, 12);
    if (player.loop) {
      pen.globalAlpha = 0.15;
      pen.fillStyle = colour("--cursor");
      pen.fillRect(x(player.loop[0]), ruler, x(player.loop[1]) - x(player.loop[0]), height);
      pen.globalAlpha = 1;
    }
    const moving = roll.ghost;
    for (const kept of shown()) {
      const note = moving && moving.id === kept.id ? moving : kept;
      const sure = note.onset_probability === null ? 1 : note.onset_probability;
      const left = x(note.onset_s), wide = Math.max(3, x(note.offset_s) - left - 1);
      pen.globalAlpha = 0.25 + 0.75 * Math.min(1, Math.max(0, (sure - 0.5) * 2));
      pen.fillStyle = colour(note.hand === "left" ? "--left" : "--right");
      pen.fillRect(left, y(note.midi), wide, Math.max(2, row - 1));
      pen.globalAlpha = 1;
      if (roll.truth && roll.truth.isInvented.has(note.id)) crossed(pen, left, y(note.midi), wide, Math.max(2, row - 1), colour("--invented"));
      if (store.chosen && note.id === store.chosen.id) {
        pen.strokeStyle = colour("--ink");
        pen.lineWidth = 2;
        pen.strokeRect(left - 1, y(note.midi) - 1, wide + 2, row + 1);
        pen.lineWidth = 1;
      }
    }
    if (roll.truth) {
      pen.strokeStyle = colour("--missed");
      pen.lineWidth = 2;
      pen.setLineDash([4, 3]);
      for (const note of roll.truth.missed) {
        if (note.offset_s > leftS() && note.onset_s < leftS() + spanS) pen.strokeRect(x(note.onset_s), y(note.midi) + 1, Math.max(3, x(note.offset_s) - x(note.onset_s)), Math.max(2, row - 2));
      }
      pen.setLineDash([]);
      pen.lineWidth = 1;
    }
    pen.fillStyle = colour("--cursor");
    pen.fillRect(x(player.now()) - 1, 0, 2, height);
    for (let midi = Math.ceil(low / 12) * 12; midi <= high; midi += 12) {
      const words = Music.name(midi), middle = y(midi) + row / 2;
      pen.fillStyle = colour("--paper");
      pen.fillRect(0, middle - 7, pen.measureText(words).width + 6, 14);
      pen.fillStyle = colour("--soft");
      pen.fillText(words, 3, middle + 4);
    }
  };

  const noteAt = (px, py) => {
    const near = shown().filter((note) => px >= x(note.onset_s) - 4 && px <= Math.max(x(note.offset_s), x(note.onset_s) + 6) + 4
      && py >= y(note.midi) - 3 && py <= y(note.midi) + rowOf() + 3);
    return near.sort((a, b) => Math.abs(y(a.midi) + rowOf() / 2 - py) - Math.abs(y(b.midi) + rowOf() / 2 - py))[0] || null;
  };

  const noteOver = (timeS, midi) => store.notes.find((one) => one.midi === midi && one.onset_s <= timeS && one.offset_s > timeS);

  const addAt = (timeS, midi) => {
    const onset = snapped(Math.max(startS, timeS));
    store.add({ onset_s: onset, offset_s: onset + 0.4, midi, hand: midi >= 60 ? "right" : "left" });
  };

  const local = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  canvas.addEventListener("pointerdown", (event) => {
    const [px, py] = local(event);
    canvas.setPointerCapture(event.pointerId);
    canvas.focus();
    const note = py > ruler ? noteAt(px, py) : null;
    // The first tap moved the cursor, and the roll with it: what was tapped then is what is meant.
    const isDouble = event.timeStamp - lastTap.at < 350 && Math.abs(px - lastTap.x) < 8;
    const tappedS = isDouble ? lastTap.timeS : timeAt(px);
    lastTap = { at: isDouble ? 0 : event.timeStamp, x: px, timeS: tappedS };
    if (isDouble && py > ruler && !noteOver(tappedS, midiAt(py))) {
      addAt(tappedS, midiAt(py));
      drag = null;
      return;
    }
    store.choose(note);
    if (note) {
      const isEnd = px > x(note.offset_s) - Math.min(8, (x(note.offset_s) - x(note.onset_s)) / 3);
      drag = { note, isEnd, px, py, moved: null };
      player.pause();
    } else {
      drag = { seek: true, leftS: leftS(), px, moved: false };
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [px, py] = local(event), byS = ((px - drag.px) / size().width) * spanS;
    if (drag.seek) {
      if (Math.abs(px - drag.px) > 4) drag.moved = true;
      if (drag.moved) player.seek(drag.leftS + spanS / 3 - byS);
      return;
    }
    if (Math.abs(px - drag.px) < 3 && Math.abs(py - drag.py) < 3 && !drag.moved) return;
    const { note } = drag;
    drag.moved = drag.isEnd
      ? { offset_s: snapped(Math.max(note.onset_s + 0.03, note.offset_s + byS)) }
      : { onset_s: snapped(Math.max(startS, note.onset_s + byS)), midi: note.midi + Math.round((drag.py - py) / rowOf()) };
    if (drag.moved.midi !== undefined) {
      drag.moved.midi = Math.min(high, Math.max(low, drag.moved.midi));
      drag.moved.offset_s = snapped(drag.moved.onset_s + note.offset_s - note.onset_s);
    }
    roll.ghost = { ...note, ...drag.moved };
  });
  canvas.addEventListener("pointerup", () => {
    if (drag && drag.note && drag.moved) store.edit(drag.note, drag.moved);
    else if (drag && drag.seek && !drag.moved ) player.seek(drag.leftS + (drag.px / size().width) * spanS);
    drag = null;
    roll.ghost = null;
  });
  canvas.addEventListener("dblclick", (event) => event.preventDefault());

  const roll = {
    draw,
    addAt,
    ghost: null,
    truth: null,
    get span() { return [Math.max(startS, leftS()), Math.min(endS, leftS() + spanS)]; },
    measure() { bars = barTimes(); },
    zoom(factor) { spanS = Math.min(120, Math.max(1, spanS * factor)); },
    place: { x, y, row: rowOf },
  };
  return roll;
};
