// Reads the barcode that the demo renderer paints over its picture with OPENSPACE_DEMO_BARCODE=1.
// The layout is described in src-tauri/crates/demo/src/barcode.rs, which writes it.

const COLUMNS = 48;
const ROWS = 2;
const BLOCKS_PER_WIDTH = 60;
const MAGIC = 0xb3;

/**
 * @param {ImageData | Uint8ClampedArray | Uint8Array} imageData RGBA pixels of the whole picture, or of at least its top: 2/60 of the width
 * @param {number} width of the picture in pixels, whatever it was scaled to on its way
 * @param {number} height rows of pixels that are given
 * @returns {{t: number, frame: number, input: number} | null} `t`: Unix time in 0.1 ms modulo 2^32; null where no whole barcode is
 */
export function readBarcode(imageData, width, height) {
  const pixels = imageData.data ?? imageData;
  const side = width / BLOCKS_PER_WIDTH;
  if (height < Math.ceil(side * ROWS) || pixels.length < width * Math.ceil(side * ROWS) * 4) return null;
  const bytes = new Uint8Array((COLUMNS * ROWS) / 8);
  for (let i = 0; i < COLUMNS * ROWS; i++) {
    const column = i % COLUMNS;
    const row = Math.floor(i / COLUMNS);
    if (brightness(pixels, width, column * side, row * side, side) > 128) bytes[i >> 3] |= 0x80 >> (i & 7);
  }
  if (bytes[0] !== MAGIC || crc16(bytes.subarray(0, 10)) !== ((bytes[10] << 8) | bytes[11])) return null;
  const view = new DataView(bytes.buffer);
  return { t: view.getUint32(1), frame: (bytes[5] << 16) | (bytes[6] << 8) | bytes[7], input: view.getUint16(8) };
}

/**
 * How old a drawing is, in milliseconds, on the clock of the machine that drew it.
 * @param {number} t as read from the barcode
 * @param {number} nowMs Unix time in milliseconds, such as `performance.timeOrigin + performance.now()`
 */
export function ageMs(t, nowMs) {
  const now = Math.floor(nowMs * 10) % 2 ** 32;
  // Signed, so that clocks that disagree by a little show as a small negative age.
  return ((now - t) | 0) / 10;
}

/** The mean of the middle half of a block, 0 to 255, by the weights of red, green and blue in what eyes call bright. */
function brightness(pixels, width, left, top, side) {
  const from = side / 4;
  const x0 = Math.floor(left + from);
  const x1 = Math.max(x0 + 1, Math.floor(left + side - from));
  const y0 = Math.floor(top + from);
  const y1 = Math.max(y0 + 1, Math.floor(top + side - from));
  let sum = 0;
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const at = (y * width + x) * 4;
      sum += 0.299 * pixels[at] + 0.587 * pixels[at + 1] + 0.114 * pixels[at + 2];
    }
  }
  return sum / ((x1 - x0) * (y1 - y0));
}

/** CRC-16/CCITT-FALSE. */
function crc16(bytes) {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}
