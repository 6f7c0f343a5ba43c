#!/usr/bin/env python3
"""The plain path: what one would build from GStreamer's own elements. The measure for the product's figures.

A timer grabs the display of $DISPLAY, x264 encodes it at its fastest, webrtcbin sends it, with no word to the browser about
play-out delay. One JSON object a line: `offer` and `candidate` go out, `answer` and `candidate` come in. What the page sends on
its data channel is pressed with XTEST.

    plain.py WIDTH HEIGHT FPS KBPS
"""

import ctypes
import json
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

PIPELINE = """
    ximagesrc use-damage=false show-pointer=false ! video/x-raw,framerate={fps}/1 ! videoconvert
    ! video/x-raw,format=I420,width={width},height={height} ! queue max-size-buffers=1 leaky=downstream
    ! x264enc tune=zerolatency speed-preset=ultrafast bitrate={kbps} key-int-max=3000 ! video/x-h264,profile=constrained-baseline
    ! rtph264pay aggregate-mode=zero-latency config-interval=-1 pt=96
    ! application/x-rtp,media=video,encoding-name=H264,payload=96 ! webrtcbin name=peer bundle-policy=max-bundle
"""


class Hand:
    """Presses the left button in the middle of the display."""

    def __init__(self, width, height):
        self.x = ctypes.CDLL("libX11.so.6")
        self.xtst = ctypes.CDLL("libXtst.so.6")
        self.x.XOpenDisplay.restype = ctypes.c_void_p
        self.display = ctypes.c_void_p(self.x.XOpenDisplay(None))
        self.xtst.XTestFakeMotionEvent(self.display, -1, width // 2, height // 2, ctypes.c_ulong(0))
        self.x.XFlush(self.display)

    def press(self, down):
        self.xtst.XTestFakeButtonEvent(self.display, 1, int(down), ctypes.c_ulong(0))
        self.x.XFlush(self.display)


class Sender:
    def __init__(self, width, height, fps, kbps):
        self.loop = GLib.MainLoop()
        self.hand = Hand(width, height)
        self.pipeline = Gst.parse_launch(PIPELINE.format(width=width, height=height, fps=fps, kbps=kbps))
        self.peer = self.pipeline.get_by_name("peer")
        self.peer.connect("on-negotiation-needed", self.negotiate)
        self.peer.connect("on-ice-candidate", lambda _, line, candidate: say(candidate=candidate, line=line))
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.failed)

    def run(self):
        self.pipeline.set_state(Gst.State.READY)
        # Before the offer is made, so that it is in it.
        channel = self.peer.emit("create-data-channel", "input", None)
        channel.connect("on-message-string", lambda _, text: self.hand.press(text == "down"))
        self.pipeline.set_state(Gst.State.PLAYING)
        threading.Thread(target=self.listen, daemon=True).start()
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)

    def negotiate(self, _):
        self.peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offer, None))

    def offer(self, promise, _):
        # Kept by name: the offer lies in its memory.
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        self.peer.emit("set-local-description", offer, Gst.Promise.new())
        say(offer=offer.sdp.as_text())

    def listen(self):
        for line in sys.stdin:
            message = json.loads(line)
            if "answer" in message:
                _, sdp = GstSdp.SDPMessage.new_from_text(message["answer"])
                answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
                self.peer.emit("set-remote-description", answer, Gst.Promise.new())
            elif message.get("candidate"):
                self.peer.emit("add-ice-candidate", message["line"], message["candidate"])
        self.loop.quit()

    def failed(self, _, message):
        print(message.parse_error(), file=sys.stderr)
        self.loop.quit()


def say(**message):
    print(json.dumps(message), flush=True)


def main():
    width, height, fps, kbps = map(int, sys.argv[1:5])
    Gst.init(None)
    Sender(width, height, fps, kbps).run()


main()
