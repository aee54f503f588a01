// From logits to notes, as `tivit.decoding` does it with the decoder `peaks`: peaks, support, runs, ends.
const Decode = (() => {
  const sigmoid = (x) => 0.5 * (1 + Math.tanh(0.5 * x));
  const logit = (p) => (p <= 0 ? -Infinity : p >= 1 ? Infinity : Math.log(p) - Math.log1p(-p));

  const unpacked = async (text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  };

  const opened = async (decoding) => {
    const rows = {};
    for (const [name, packed] of Object.entries(decoding.arrays)) {
      const buffer = await unpacked(packed);
      rows[name] = name === "hand" || name === "clef" ? new Int8Array(buffer) : new Int16Array(buffer);
    }
    return rows;
  };

  // Frames where one key's head is a peak of at least `least`, with the instant of its apex.
  const peaks = (value, length, least, reach, time) => {
    const found = [];
    for (let k = 0; k < length; k++) {
      const here = value(k);
      if (!(here >= least)) continue;
      if (k === 0 && !(length > 1 && here > value(1))) continue;
      let is = true;
      for (let step = 1; is && step <= reach; step++) {
        if (k - step >= 0 && !(here > value(k - step))) is = false;
        else if (k + step < length && !(here >= value(k + step))) is = false;
      }
      if (!is) continue;
      const middle = sigmoid(here);
      let left = k > 0 ? sigmoid(value(k - 1)) : NaN;
      let right = k < length - 1 ? sigmoid(value(k + 1)) : NaN;
      if (k === 0) left = right;
      if (k === length - 1) right = left;
      const fall = 2 * (middle - Math.min(left, right));
      found.push({ frame: k, time_s: time(k + (fall > 1e-12 ? (right - left) / fall : 0)), logit: here });
    }
    return found;
  };

  const runs = (value, length, hold, bridge, time) => {
    const level = logit(hold), found = [];
    let begin = -1;
    for (let k = 0; k <= length; k++) {
      const held = k < length && value(k) >= level;
      if (held && begin < 0) begin = k;
      if (!held && begin >= 0) {
        const last = found[found.length - 1];
        if (last && begin - last.end <= bridge) last.end = k;
        else found.push({ begin, end: k });
        begin = -1;
      }
    }
    for (const run of found) {
      const before = sigmoid(value(run.end - 1)), after = run.end < length ? sigmoid(value(run.end)) : 0;
      const share = Math.min(1, Math.max(0, (before - hold) / Math.max(before - after, 1e-9)));
      run.start_s = time(run.begin);
      run.end_s = time(run.end - 1 + share);
    }
    return found;
  };

  // Notes of all keys. `values` is like decoding.values: head -> threshold, hold and lag_s, one number per key each.
  const notes = (decoding, rows, values, lowestMidi) => {
    const { fps, length, start_s, rules, scale, lowest } = decoding;
    const frames = (s) => Math.max(0, Math.round(s * fps));
    const time = (frame) => start_s + frame / fps;
    const reach = Math.max(1, frames(rules.min_repeat_s)), answer = frames(rules.support_s);
    const result = [];
    for (let key = 0; key < values.onset.threshold.length; key++) {
      const base = key * length;
      const read = (name) => (k) => { const v = rows[name][base + k] / scale; return v <= lowest ? -30 : v; };
      const onset = read("onset"), pitch = read("pitch"), offset = read("offset");
      const pitchLevel = logit(values.pitch.threshold[key]);
      const begins = peaks(onset, length, logit(values.onset.threshold[key]), reach, time).filter((peak) => {
        for (let step = 0; step <= answer && peak.frame + step < length; step++) if (pitch(peak.frame + step) >= pitchLevel) return true;
        return false;
      });
      if (!begins.length) continue;
      const held = runs(pitch, length, values.pitch.hold[key], frames(rules.bridge_s), time);
      const ends = peaks(offset, length, logit(values.offset.threshold[key]), reach, time);
      begins.forEach((peak, n) => {
        const at = peak.time_s, next = n + 1 < begins.length ? begins[n + 1].time_s : Infinity;
        const run = held.find((one) => one.end_s > at + rules.min_length_s);
        const holds = run && run.start_s <= at + rules.support_s;
        const until = Math.min((holds ? run.end_s : at + rules.min_length_s) + rules.snap_s, next);
        let best = null;
        for (const end of ends) if (end.time_s > at + rules.min_length_s && end.time_s <= until && (!best || end.logit > best.logit)) best = end;
        const onset_s = at - values.onset.lag_s[key], earliest = onset_s + rules.min_length_s;
        let offset_s = best ? best.time_s - values.offset.lag_s[key] : holds ? run.end_s - values.pitch.lag_s[key] : earliest;
        offset_s = Math.max(offset_s, earliest);
        if (n + 1 < begins.length) offset_s = Math.min(offset_s, next - values.onset.lag_s[key]);
        const first = Math.min(length - 1, Math.max(0, Math.ceil((onset_s - start_s) * fps)));
        const last = Math.min(length, Math.max(first + 1, Math.ceil((offset_s - start_s) * fps)));
        const mean = (name) => { let sum = 0; for (let k = first; k < last; k++) sum += rows[name][base + k]; return sum; };
        result.push({
          onset_s: onset_s + decoding.label_lag_s, offset_s: offset_s + decoding.label_lag_s, midi: lowestMidi + key, velocity: null,
          hand: mean("hand") > 0 ? "right" : "left", staff: mean("clef") > 0 ? "treble" : "bass",
          onset_probability: sigmoid(peak.logit), hand_probability: null,
        });
      });
    }
    return result.sort((a, b) => a.onset_s - b.onset_s || a.midi - b.midi);
  };
  return { opened, notes };
})();
