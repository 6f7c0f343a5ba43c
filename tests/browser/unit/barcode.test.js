// The barcode's reader against pictures painted by the description in src-tauri/crates/demo/src/barcode.rs.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ageMs, readBarcode } from '../barcode.js'

const fields = { t: 0xfedcba98, frame: 0xabcdef, input: 0x1234 }

for (const [width, height] of [[1280, 720], [1920, 1080], [1366, 768], [640, 360]]) {
  test(`it is read at ${width}x${height}, from the whole picture and from its strip`, () => {
    const picture = painted(bitsOf(fields), width, height)
    assert.deepEqual(readBarcode(picture, width, height), fields)
    const rows = Math.ceil(width / 60) * 2 + 2
    assert.deepEqual(readBarcode(picture.subarray(0, width * rows * 4), width, rows), fields)
  })
}

test('noise of a video codec does not matter', () => {
  const picture = painted(bitsOf(fields), 1280, 720)
  picture.forEach((value, i) => (picture[i] = value + ((i * 7919) % 90) * (value === 0 ? 1 : -1)))
  assert.deepEqual(readBarcode(picture, 1280, 720), fields)
})

test('one wrong block, or no barcode at all, is not read', () => {
  for (let wrong = 0; wrong < 96; wrong++) {
    const bits = bitsOf(fields)
    bits[wrong] = !bits[wrong]
    assert.equal(readBarcode(painted(bits, 640, 360), 640, 360), null)
  }
  assert.equal(readBarcode(new Uint8ClampedArray(640 * 360 * 4), 640, 360), null)
})

test('the age of a drawing survives the wrap of the clock, and may be negative', () => {
  const drawn = 1_800_000_000_000
  const t = (drawn * 10) % 2 ** 32
  assert.equal(ageMs(t, drawn + 12.5), 12.5)
  assert.equal(ageMs(t, drawn - 3), -3)
  const wrap = (Math.ceil((drawn * 10) / 2 ** 32) * 2 ** 32) / 10
  assert.equal(ageMs(2 ** 32 - 50, wrap + 15), 20)
})

function bitsOf({ t, frame, input }) {
  const bytes = [0xb3, ...bytesOf(t, 4), ...bytesOf(frame, 3), ...bytesOf(input, 2)]
  bytes.push(...bytesOf(crc16(bytes), 2))
  return bytes.flatMap((byte) => Array.from({ length: 8 }, (_, i) => ((byte >> (7 - i)) & 1) === 1))
}

function bytesOf(value, count) {
  return Array.from({ length: count }, (_, i) => Math.floor(value / 256 ** (count - 1 - i)) % 256)
}

/** CRC-16/CCITT-FALSE by its definition: division of polynomials, bit by bit. */
function crc16(bytes) {
  let rest = 0xffff
  for (const bit of bytes.flatMap((byte) => bitsOfByte(byte))) {
    const out = ((rest >> 15) & 1) ^ bit
    rest = (rest << 1) & 0xffff
    if (out) rest ^= 0x1021
  }
  return rest
}

function bitsOfByte(byte) {
  return Array.from({ length: 8 }, (_, i) => (byte >> (7 - i)) & 1)
}

function painted(bits, width, height) {
  const picture = new Uint8ClampedArray(width * height * 4)
  const edge = (i) => Math.round((i * width) / 60)
  bits.forEach((bit, i) => {
    const [column, row] = [i % 48, Math.floor(i / 48)]
    for (let y = edge(row); y < edge(row + 1); y++) {
      picture.fill(bit ? 255 : 0, (y * width + edge(column)) * 4, (y * width + edge(column + 1)) * 4)
    }
  })
  return picture
}
