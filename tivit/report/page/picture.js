// Keys over the video and on a drawn keyboard: those that are down are lit in the colour of the hand.
const makePicture = (video, overlay, keyboard, data) => {
  const count = data.is_black.length, lowest = data.lowest_midi;
  const whites = data.is_black.filter((black) => !black).length;
  let showsKeys = true;

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
    const [pictureWidth, pictureHeight] = data.picture_px;
    const scale = Math.min(width / pictureWidth, height / pictureHeight);
    const left = (width - pictureWidth * scale) / 2, top = (height - pictureHeight * scale) / 2;
    const place = data.places.filter((one) => one.start_s <= timeS).pop() || data.places[0];
    for (const [key, corners] of Object.entries(place.keys)) {
      const note = down.get(Number(key) + lowest);
      pen.beginPath();
      corners.forEach(([px, py], n) => pen[n ? "lineTo" : "moveTo"](left + px * scale, top + py * scale));
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
    draw(notes, timeS, colour) {
      const down = new Map();
      for (const note of notes) if (note.onset_s <= timeS && note.offset_s > timeS) down.set(note.midi, note);
      drawOverlay(down, timeS, colour);
      drawKeyboard(down, colour);
      return down;
    },
  };
};
