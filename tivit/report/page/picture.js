// Keys over the video and on a drawn keyboard: those that are down are lit in the colour of the hand.
// The video is shown whole, or close up: the keys of every place of the keyboard, with room for hands.
const makePicture = (frame, film, overlay, keyboard, data) => {
  const count = data.is_black.length, lowest = data.lowest_midi;
  const whites = data.is_black.filter((black) => !black).length;
  const [pictureWidth, pictureHeight] = data.picture_px;
  const MOST_HEIGHT = 0.46; // of the window
  let showsKeys = true, isClose = true;

  const closeUp = () => {
    const points = data.places.flatMap((place) => Object.values(place.keys).flat());
    const xs = points.map((point) => point[0]), ys = points.map((point) => point[1]);
    const deep = Math.max(...ys) - Math.min(...ys), wide = Math.max(...xs) - Math.min(...xs);
    const left = Math.max(0, Math.min(...xs) - 0.04 * wide), right = Math.min(pictureWidth, Math.max(...xs) + 0.04 * wide);
    const top = Math.max(0, Math.min(...ys) - deep), bottom = Math.min(pictureHeight, Math.max(...ys) + deep);
    return { left, top, width: right - left, height: bottom - top };
  };
  const near = closeUp(), whole = { left: 0, top: 0, width: pictureWidth, height: pictureHeight };

  const layOut = () => {
    const part = isClose && near.width > 0 && near.height > 0 ? near : whole;
    const scale = Math.min(frame.parentElement.clientWidth / part.width, (window.innerHeight * MOST_HEIGHT) / part.height);
    const place = (element, values) => {
      for (const [name, value] of Object.entries(values)) {
        const text = `${Math.round(value)}px`;
        if (element.style[name] !== text) element.style[name] = text;
      }
    };
    place(frame, { width: part.width * scale, height: part.height * scale });
    place(film, { left: -part.left * scale, top: -part.top * scale, width: pictureWidth * scale, height: pictureHeight * scale });
  };

  const fit = (canvas) => {
    const scale = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    return { pen, width, height };
  };

  const drawOverlay = (down, timeS, colour) => {
    const { pen, width, height } = fit(overlay);
    if (!showsKeys || !width) return;
    const acrossX = width / pictureWidth, acrossY = height / pictureHeight;
    const place = data.places.filter((one) => one.start_s <= timeS).pop() || data.places[0];
    for (const [key, corners] of Object.entries(place.keys)) {
      const note = down.get(Number(key) + lowest);
      pen.beginPath();
      corners.forEach(([px, py], n) => pen[n ? "lineTo" : "moveTo"](px * acrossX, py * acrossY));
      pen.closePath();
      pen.globalAlpha = note ? 0.6 : 0.25;
      pen.strokeStyle = "#ffffff";
      pen.lineWidth = 0.6;
      pen.stroke();
      if (note) {
        pen.fillStyle = colour(note.hand === "left" ? "--left" : "--right");
        pen.fill();
      }
    }
    pen.globalAlpha = 1;
  };

  const drawKeyboard = (down, colour) => {
    const { pen, width, height } = fit(keyboard), wide = width / whites;
    const fill = (midi, otherwise) => {
      const note = down.get(midi);
      return colour(note ? (note.hand === "left" ? "--left" : "--right") : otherwise);
    };
    let place = 0;
    for (let key = 0; key < count; key++) {
      if (data.is_black[key]) continue;
      pen.fillStyle = fill(key + lowest, "--white");
      pen.fillRect(place * wide + 0.5, 0, wide - 1, height);
      place++;
    }
    place = 0;
    for (let key = 0; key < count; key++) {
      if (!data.is_black[key]) { place++; continue; }
      pen.fillStyle = fill(key + lowest, "--black");
      pen.fillRect((place - 0.32) * wide, 0, 0.64 * wide, height * 0.62);
      if (down.has(key + lowest)) { pen.strokeStyle = colour("--black"); pen.strokeRect((place - 0.32) * wide, 0, 0.64 * wide, height * 0.62); }
    }
  };

  return {
    set showsKeys(value) { showsKeys = value; },
    set isClose(value) { isClose = value; },
    draw(notes, timeS, colour) {
      const down = new Map();
      for (const note of notes) if (note.onset_s <= timeS && note.offset_s > timeS) down.set(note.midi, note);
      layOut();
      drawOverlay(down, timeS, colour);
      drawKeyboard(down, colour);
      return down;
    },
  };
};
