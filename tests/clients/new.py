"""Drives the demo renderer with the real PyPI package openspace-api 0.9.1, the client of the NEW API generation (OpenSpace 0.22).

Run:  tests/clients/install.sh, then `venv/bin/python new.py TCP_PORT WEBSOCKET_PORT` against a demo in its new layout.
      cargo nextest run -p openspace-webrtc-demo does both the launch and this.
Exit: 0 when everything was answered as expected; otherwise the first difference is raised.

The package speaks only raw TCP, a line a message. Pointed at the WebSocket port it connects and is never answered: its lines are no HTTP
request (a real OpenSpace goes on waiting for one). The last step shows that.
"""

import asyncio
import sys

import openspace

ANCHOR = "NavigationHandler.OrbitalNavigator.Anchor"


async def connected(port: int) -> openspace.Api:
    api = openspace.Api("127.0.0.1", port)
    await api.connect()
    return api


async def story(api: openspace.Api) -> None:
    version = await api.startTopic("version", {}).next()
    assert version["openSpaceVersion"] == {"major": 0, "minor": 22, "patch": 0}, version
    assert await api.authenticate("") == {"status": "authorized"}

    got = await api.getProperty(ANCHOR)
    assert (got["type"], got["value"]["value"]) == ("property", "Saturn"), got

    subscription = api.subscribeToProperty(ANCHOR)
    assert (await subscription.next())["type"] == "metaData"
    assert await subscription.next() == {"type": "value", "value": "Saturn"}
    events = api.subscribeToEvent("FocusNodeChanged")

    library = await api.library()
    assert await library.hasProperty(ANCHOR) is True
    await library.time.setPause(True)
    assert await library.time.isPaused() is True
    await library.time.setTime("2030-05-06T07:08:09")
    assert await library.time.UTC() == "2030-05-06T07:08:09.000"
    assert "Saturn" in (await library.sceneGraphNodes()).values()
    state = await library.navigation.getNavigationState()
    assert state["Anchor"] == "Saturn" and len(state["Position"]) == 3, state

    api.setProperty(ANCHOR, "Mars")
    assert await subscription.next() == {"type": "value", "value": "Mars"}
    event = await events.next()
    assert event == {"event": "FocusNodeChanged", "OldNode": "Saturn", "NewNode": "Mars"}, event
    assert await api.executeLuaScript("return this is not lua") == {}
    assert await api.executeLuaFunction("openspace.time.deltaTime", []) == {"1": 1.0}
    assert isinstance(await api.getDocumentation("meta"), list)
    subscription.cancel()
    events.cancel()


async def wrong_port(port: int) -> None:
    api = await connected(port)
    try:
        await asyncio.wait_for(api.startTopic("version", {}).next(), timeout=1)
    except (asyncio.TimeoutError, StopAsyncIteration):
        return
    raise AssertionError("a raw line was answered on the WebSocket port")


async def main(tcp_port: int, web_socket_port: int) -> None:
    await story(await connected(tcp_port))
    await wrong_port(web_socket_port)


asyncio.run(asyncio.wait_for(main(int(sys.argv[1]), int(sys.argv[2])), timeout=30))
