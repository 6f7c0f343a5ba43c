"""A WHEP player that other people wrote the WebRTC of: aiortc (its own ICE, DTLS, SRTP and RTP, FFmpeg for the pictures).

Run: `venv/bin/python whep.py URL TOKEN FRAMES`. Prints one line of JSON per readable picture: its size and the number that the
demo renderer's barcode carries (src-tauri/crates/demo/src/barcode.rs); after FRAMES of them it leaves.
"""

import asyncio
import json
import sys
import urllib.parse
import urllib.request

from aiortc import RTCPeerConnection, RTCSessionDescription

COLUMNS, ROWS, BLOCKS_PER_WIDTH, MAGIC = 48, 2, 60, 0xB3


def barcode(frame):
    """The frame's number, from its brightness alone; None where no whole barcode is."""
    plane = frame.planes[0]
    luma, stride = bytes(plane), plane.line_size
    side = frame.width / BLOCKS_PER_WIDTH
    code = bytearray(COLUMNS * ROWS // 8)
    for i in range(COLUMNS * ROWS):
        x, y = int((i % COLUMNS + 0.5) * side), int((i // COLUMNS + 0.5) * side)
        if luma[y * stride + x] > 125:
            code[i >> 3] |= 0x80 >> (i & 7)
    if code[0] != MAGIC or crc16(code[:10]) != int.from_bytes(code[10:12], "big"):
        return None
    return int.from_bytes(code[5:8], "big")


def crc16(data):
    """CRC-16/CCITT-FALSE."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021) & 0xFFFF if crc & 0x8000 else (crc << 1) & 0xFFFF
    return crc


def ask(method, url, token, body=None):
    request = urllib.request.Request(url, data=body, method=method)
    request.add_header("Authorization", f"Bearer {token}")
    if body is not None:
        request.add_header("Content-Type", "application/sdp")
    return urllib.request.urlopen(request, timeout=20)


async def play(url, token, frames):
    connection = RTCPeerConnection()
    # Of video alone: this library cannot read an answer in which a section is refused.
    receiver = connection.addTransceiver("video", direction="recvonly").receiver
    await connection.setLocalDescription(await connection.createOffer())
    with await asyncio.to_thread(ask, "POST", url, token, connection.localDescription.sdp.encode()) as answer:
        at = urllib.parse.urljoin(url, answer.headers["Location"])
        sdp = answer.read().decode()
    await connection.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="answer"))
    seen = 0
    while seen < frames:
        frame = await asyncio.wait_for(receiver.track.recv(), timeout=30)
        number = barcode(frame)
        if number is not None:
            print(json.dumps({"width": frame.width, "height": frame.height, "frame": number}), flush=True)
            seen += 1
    await asyncio.to_thread(ask, "DELETE", at, token)
    await connection.close()


if __name__ == "__main__":
    asyncio.run(play(sys.argv[1], sys.argv[2], int(sys.argv[3])))
