// Names of keys, clock times, and MIDI files with the tempo map that came with the notes.
const Music = (() => {
  const NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
  const name = (midi) => NAMES[midi % 12] + (Math.floor(midi / 12) - 1);
  const MAJOR = ["Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"];
  const MINOR = ["Abm", "Ebm", "Bbm", "Fm", "Cm", "Gm", "Dm", "Am", "Em", "Bm", "F#m", "C#m", "G#m", "D#m", "A#m"];
  const keys = [MAJOR, MINOR].flatMap((names, minor) => names.map((title, n) => ({ name: title, fifths: n - 7, is_minor: minor === 1 })));
  const clock = (s) => {
    const tenths = Math.max(0, Math.round(s * 10));
    return `${Math.floor(tenths / 600)}:${String(Math.floor((tenths % 600) / 10)).padStart(2, "0")}.${tenths % 10}`;
  };

  const tickOf = (tempo, timeS) => {
    let part = 0;
    while (part + 1 < tempo.starts_s.length && tempo.starts_s[part + 1] <= timeS) part++;
    const quarters = ((timeS - tempo.starts_s[part]) * 1e6) / tempo.us_per_quarter[part];
    return tempo.ticks[part] + Math.round(quarters * tempo.resolution);
  };

  // Beats a minute, by the median over the beats until an instant.
  const bpm = ({ ticks, starts_s, us_per_quarter, resolution }, endS) => {
    const beats = us_per_quarter.map((us, k) => [us, k + 1 < ticks.length ? (ticks[k + 1] - ticks[k]) / resolution : Math.max(1, ((endS - starts_s[k]) * 1e6) / us)]);
    beats.sort((a, b) => a[0] - b[0]);
    let left = beats.reduce((sum, [, count]) => sum + count, 0) / 2;
    return 6e7 / (beats.find(([, count]) => (left -= count) <= 0) || beats[beats.length - 1])[0];
  };

  const varLength = (value) => {
    const bytes = [value & 127];
    while ((value >>= 7)) bytes.unshift((value & 127) | 128);
    return bytes;
  };
  const number = (value, count) => Array.from({ length: count }, (_, k) => (value >>> (8 * (count - 1 - k))) & 255);
  const text = (kind, words) => {
    const bytes = [...new TextEncoder().encode(words)];
    return [255, kind, ...varLength(bytes.length), ...bytes];
  };

  const track = (events) => {
    events.sort((a, b) => a.tick - b.tick || a.order - b.order);
    const bytes = [];
    let before = 0;
    for (const event of events) {
      bytes.push(...varLength(event.tick - before), ...event.bytes);
      before = event.tick;
    }
    bytes.push(0, 255, 47, 0);
    return [77, 84, 114, 107, ...number(bytes.length, 4), ...bytes];
  };

  // The bytes of a MIDI file of notes; their times count from startS.
  const midiFile = (notes, tempo, texts, startS) => {
    const conductor = texts.map((words) => ({ tick: 0, order: 0, bytes: text(1, words) }));
    conductor.push({ tick: 0, order: 1, bytes: [255, 88, 4, tempo.beats_per_bar, 2, 24, 8] });
    if (tempo.key) conductor.push({ tick: 0, order: 1, bytes: [255, 89, 2, tempo.key.fifths & 255, tempo.key.is_minor ? 1 : 0] });
    tempo.ticks.forEach((tick, k) => {
      conductor.push({ tick, order: 2, bytes: [255, 81, 3, ...number(tempo.us_per_quarter[k], 3)] });
    });
    const tracks = [track(conductor)];
    const known = notes.length > 0 && notes.every((note) => note.hand);
    const hands = known ? [["right", "right hand", 3], ["left", "left hand", 2]] : [[null, "piano", 0]];
    for (const [hand, title, channel] of hands) {
      const events = [{ tick: 0, order: 0, bytes: text(3, title) }, { tick: 0, order: 1, bytes: [192 | channel, 0] }];
      for (const note of notes) {
        if (known && note.hand !== hand) continue;
        const on = tickOf(tempo, Math.max(0, note.onset_s - startS));
        const off = Math.max(on + 1, tickOf(tempo, Math.max(0, note.offset_s - startS)));
        events.push({ tick: on, order: 3, bytes: [144 | channel, note.midi, note.velocity || 80] });
        events.push({ tick: off, order: 2, bytes: [128 | channel, note.midi, 0] });
      }
      tracks.push(track(events));
    }
    const head = [77, 84, 104, 100, 0, 0, 0, 6, 0, 1, ...number(tracks.length, 2), ...number(tempo.resolution, 2)];
    return new Uint8Array([head, ...tracks].flat());
  };
  return { name, keys, clock, tickOf, bpm, midiFile };
})();
