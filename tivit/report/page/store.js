// The notes, the one that is chosen, and every state before and after: each change makes a new list, so undo is a step back.
const makeStore = (first) => {
  let nextId = 1;
  const named = (notes) => notes.map((note) => ({ ...note, id: nextId++ }));
  let states = [named(first)], at = 0, chosen = null;
  const listeners = [];
  const tell = () => listeners.forEach((listener) => listener());
  const sorted = (notes) => notes.sort((a, b) => a.onset_s - b.onset_s || a.midi - b.midi);

  const store = {
    get notes() { return states[at]; },
    get chosen() { return states[at].find((note) => note.id === chosen) || null; },
    get canUndo() { return at > 0; },
    get canRedo() { return at + 1 < states.length; },
    listen(listener) { listeners.push(listener); },
    choose(note) { chosen = note ? note.id : null; tell(); },
    change(notes) {
      states = [...states.slice(0, at + 1), sorted(notes)];
      at = states.length - 1;
      tell();
    },
    replaceAll(notes) { chosen = null; store.change(named(notes)); },
    add(note) {
      const made = { velocity: null, staff: null, onset_probability: null, hand_probability: null, ...note, id: nextId++ };
      chosen = made.id;
      store.change([...store.notes, made]);
    },
    remove(note) { chosen = null; store.change(store.notes.filter((one) => one.id !== note.id)); },
    // What a person changed is no longer a guess: its probability goes.
    edit(note, values) {
      const edited = { ...note, ...values, onset_probability: null };
      if ("hand" in values) edited.hand_probability = null;
      store.change(store.notes.map((one) => (one.id === note.id ? edited : one)));
    },
    split(note, timeS) {
      if (timeS <= note.onset_s + 0.03 || timeS >= note.offset_s - 0.03) return;
      const rest = { ...note, onset_s: timeS, onset_probability: null, id: nextId++ };
      store.change([...store.notes.map((one) => (one.id === note.id ? { ...one, offset_s: timeS } : one)), rest]);
    },
    undo() { if (store.canUndo) { at--; tell(); } },
    redo() { if (store.canRedo) { at++; tell(); } },
  };
  return store;
};
