// True notes against those that were read: as many pairs as there can be of one key with onsets within 50 ms.
const Truth = (() => {
  const TOLERANCE_S = 0.05;
  // As the scores compare them: rounded to 0.1 ms, the limit included.
  const isNear = (a, b) => Math.round(Math.abs(a - b) * 1e4) / 1e4 <= TOLERANCE_S;
  const byKey = (notes) => {
    const keys = new Map();
    for (const note of notes) keys.set(note.midi, [...(keys.get(note.midi) || []), note]);
    for (const list of keys.values()) list.sort((a, b) => a.onset_s - b.onset_s);
    return keys;
  };

  // Of one key both are in time order and the tolerance is the same everywhere, so taking the first that fits finds the most pairs.
  const compared = (truth, notes) => {
    const found = new Set(), missed = [], read = byKey(notes);
    for (const [midi, wanted] of byKey(truth)) {
      const here = read.get(midi) || [];
      let at = 0;
      for (const note of wanted) {
        while (at < here.length && here[at].onset_s < note.onset_s && !isNear(here[at].onset_s, note.onset_s)) at++;
        if (at < here.length && isNear(here[at].onset_s, note.onset_s)) found.add(here[at++].id);
        else missed.push(note);
      }
    }
    missed.sort((a, b) => a.onset_s - b.onset_s);
    const invented = notes.filter((note) => !found.has(note.id));
    const f1 = truth.length + notes.length ? (2 * found.size) / (truth.length + notes.length) : 0;
    return { found: found.size, missed, invented, isInvented: new Set(invented.map((note) => note.id)), f1 };
  };
  return { compared };
})();
