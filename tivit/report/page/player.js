// The clock: the video's own where there is one, else a clock that runs by itself; and notes as tones in step with it.
const makePlayer = (video, endS, startS) => {
  let playing = false, ownS = startS, since = 0, speed = 1, loop = null, context = null, out = null, until = startS;
  let sounds = true, notesOf = () => [];
  const voices = new Set();
  const hasVideo = () => video.readyState > 0 && !video.error;
  const now = () => {
    if (hasVideo()) return video.currentTime;
    return playing ? Math.min(endS, ownS + ((performance.now() - since) / 1000) * speed) : ownS;
  };

  const silence = () => {
    for (const voice of voices) voice.stop();
    voices.clear();
  };

  const tone = (midi, atS, lengthS) => {
    const frequency = 440 * 2 ** ((midi - 69) / 12), gain = context.createGain();
    const decay = Math.max(0.4, 4 - (midi - 21) / 30);
    gain.gain.setValueAtTime(0, atS);
    gain.gain.linearRampToValueAtTime(0.16, atS + 0.005);
    gain.gain.setTargetAtTime(0, atS + 0.005, decay / 3);
    gain.gain.setTargetAtTime(0, atS + lengthS, 0.06);
    gain.connect(out);
    [[1, "triangle", 1], [2, "sine", 0.3], [3, "sine", 0.12]].forEach(([times, type, share]) => {
      const oscillator = context.createOscillator(), part = context.createGain();
      oscillator.type = type;
      oscillator.frequency.value = frequency * times;
      part.gain.value = share;
      oscillator.connect(part).connect(gain);
      oscillator.start(atS);
      oscillator.stop(atS + lengthS + 0.4);
      voices.add(oscillator);
      oscillator.onended = () => voices.delete(oscillator);
    });
  };

  // Tones are asked for a little ahead, because the page is drawn less evenly than sound is made.
  const sing = () => {
    if (!playing || !sounds || !context) return;
    const hereS = now(), aheadS = hereS + 0.2 * speed;
    for (const note of notesOf()) {
      if (note.onset_s >= until && note.onset_s < aheadS) {
        tone(note.midi, context.currentTime + Math.max(0, (note.onset_s - hereS) / speed), (note.offset_s - note.onset_s) / speed);
      }
    }
    until = aheadS;
  };

  // A pause right behind it ends this promise too, which is no fault; a file that cannot be played is one.
  const startVideo = () => video.play().catch((error) => { if (error.name !== "AbortError") player.pause(); });
  video.addEventListener("ended", () => player.pause());

  const player = {
    now,
    hasVideo,
    get playing() { return playing; },
    get loop() { return loop; },
    set loop(span) { loop = span; },
    set speed(value) { ownS = now(); since = performance.now(); speed = value; video.playbackRate = value; },
    set sounds(value) { sounds = value; silence(); },
    set notes(get) { notesOf = get; },
    play() {
      if (playing) return;
      if (now() >= endS - 0.01) player.seek(startS);
      context = context || new AudioContext();
      if (!out) { out = context.createDynamicsCompressor(); out.connect(context.destination); }
      context.resume();
      ownS = now();
      since = performance.now();
      until = ownS;
      playing = true;
      if (hasVideo()) { video.playbackRate = speed; startVideo(); }
    },
    pause() {
      ownS = now();
      playing = false;
      video.pause();
      silence();
    },
    seek(timeS) {
      ownS = Math.min(Math.max(startS, timeS), endS);
      since = performance.now();
      until = ownS;
      if (hasVideo()) video.currentTime = ownS;
      silence();
    },
    step() {
      if (!playing) return;
      const hereS = now();
      if (loop && (hereS >= loop[1] || hereS < loop[0] - 0.5)) player.seek(loop[0]);
      else if (hereS >= endS - 0.01) player.pause();
      else sing();
    },
  };
  return player;
};
