// Draws one card's sparkline: the value's line over the band mean ± standard deviation.
import { colours } from "./theme.js";

const [VALUE, MEAN, DEVIATION] = [1, 2, 3]; // fields of History

/** `points` is a History; the canvas keeps the size it was given by the style sheet. */
export function drawSpark(canvas, points, hue) {
  const ratio = Math.min(devicePixelRatio || 1, 2);
  const { width, height } = canvas.box;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) {
    Object.assign(canvas, { width: across, height: down });
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  if (points.length === 0) return;
  const place = placer(points, width, height);
  const { hues, washes } = colours();
  drawBand(pen, points, place, washes[hue]);
  drawLine(pen, points, place, hues[hue]);
}

function placer(points, width, height) {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < points.length; i++) {
    const [v, m, d] = [VALUE, MEAN, DEVIATION].map((field) => points.at(i, field));
    low = Math.min(low, v, m - d);
    high = Math.max(high, v, m + d);
  }
  const spread = high - low || 1;
  const middle = high === low ? 0.5 : 0;
  const last = Math.max(points.length - 1, 1);
  return {
    x: (i) => 3 + (width - 7) * (points.length === 1 ? 1 : i / last),
    y: (v) => height - 4 - (height - 8) * ((v - low) / spread + middle),
  };
}

function drawBand(pen, points, { x, y }, wash) {
  const last = points.length - 1;
  pen.beginPath();
  for (let i = 0; i <= last; i++) pen.lineTo(x(i), y(points.at(i, MEAN) + points.at(i, DEVIATION)));
  for (let i = last; i >= 0; i--) pen.lineTo(x(i), y(points.at(i, MEAN) - points.at(i, DEVIATION)));
  pen.closePath();
  pen.fillStyle = wash;
  pen.fill();
}

function drawLine(pen, points, { x, y }, hue) {
  const last = points.length - 1;
  pen.beginPath();
  for (let i = 0; i <= last; i++) pen.lineTo(x(i), y(points.at(i, VALUE)));
  pen.strokeStyle = hue;
  pen.lineWidth = 1.5;
  pen.lineJoin = "round";
  pen.stroke();
  pen.beginPath();
  pen.arc(x(last), y(points.at(last, VALUE)), 2.5, 0, 7);
  pen.fillStyle = hue;
  pen.fill();
}
