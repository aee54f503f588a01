// What `tivit serve` makes of notes that this page cannot make by itself: scores, bars, and notes of other decoders.
const makeServer = (say) => {
  const asked = async (what, value) => {
    say("Working …");
    try {
      const answer = await fetch(what, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });
      if (answer.ok) { say(""); return answer; }
      say((await answer.json()).error);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      say("The program does not answer: is `tivit serve` still running?");
    }
    return null;
  };
  const json = async (what, value) => {
    const answer = await asked(what, value);
    return answer && answer.json();
  };
  const plain = (notes) => notes.map(({ onset_s, offset_s, midi, velocity, hand, staff }) => ({ onset_s, offset_s, midi, velocity, hand, staff }));
  return {
    notes: async (values) => (await json("notes", { values }))?.notes,
    tempo: async (notes, nearBpm) => (await json("tempo", { notes: plain(notes), near_bpm: nearBpm }))?.tempo,
    score: async (notes, tempo) => (await asked("score", { notes: plain(notes), tempo }))?.text(),
  };
};
