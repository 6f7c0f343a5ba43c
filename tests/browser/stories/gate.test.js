// What the gate lets through by the channels themselves, without the buttons of the page: roles, names of the live scene, and no Lua.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { TestNode, launchBrowser, person, until, untilPhase } from '../harness.js'

let node
let browser

before(async () => {
  node = await TestNode.start()
  browser = await launchBrowser()
})

after(async () => {
  await browser?.close()
  await node?.close()
})

/** Keeps what the channel `state` said last, as any program beside our page would. */
function listen() {
  const Plain = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Plain {
    constructor(...options) {
      super(...options)
      this.addEventListener('datachannel', ({ channel }) => {
        if (channel.label === 'state') channel.addEventListener('message', ({ data }) => (window.told = JSON.parse(data)))
      })
    }
  }
}

async function viewer(url) {
  const { context, page, problems } = await person(browser)
  await page.addInitScript(listen)
  await page.goto(new URL(url, node.url).href)
  return { context, page, problems }
}

/** The answer, or the sentence of a refusal. */
const wish = (page, name, args = {}) =>
  page.evaluate(
    (wish) =>
      window.openspaceStream.wish(wish).then(
        (ok) => ({ ok }),
        (error) => ({ error: error.message }),
      ),
    { name, args },
  )

const untilScene = (page, what, is) => until(what, () => page.evaluate(() => window.told).then((told) => told && is(told)))

const invite = async (page, id, role) =>
  page.evaluate(
    async ([id, role]) => {
      const headers = { authorization: `Bearer ${localStorage.session_id}`, 'content-type': 'application/json' }
      const response = await fetch(`/api/v1/instances/${id}/invites`, { method: 'POST', headers, body: JSON.stringify({ role }) })
      return (await response.json()).url
    },
    [id, role],
  )

test('wishes by the bare channels come true for everybody, each within its role, and nothing hostile gets through', async () => {
  const owner = await viewer(node.url)
  await owner.page.getByRole('button', { name: /^launch/i }).click()
  await owner.page.waitForURL(/\/stream\/[0-9a-f-]{36}/)
  const id = owner.page.url().match(/stream\/([0-9a-f-]{36})/)[1]
  await untilPhase(owner.page, 'live')
  await untilScene(owner.page, 'the first state', (scene) => scene.focus)

  const { ok: nodes } = await wish(owner.page, 'list_nodes', { search: 'mars' })
  assert.ok(nodes.some(({ id, interesting }) => id === 'Mars' && interesting))
  assert.deepEqual(await wish(owner.page, 'fly_to', { node: 'Mars', duration_s: 0.5 }), { ok: null })
  await untilScene(owner.page, 'Mars', (scene) => scene.focus === 'Mars')
  assert.deepEqual(await wish(owner.page, 'pause', { paused: true }), { ok: null })
  assert.deepEqual(await wish(owner.page, 'set_time', { time: '1997-07-04T16:56:00Z' }), { ok: null })

  const pilot = await viewer(await invite(owner.page, id, 'pilot'))
  const watcher = await viewer(await invite(owner.page, id, 'watcher'))
  for (const { page } of [pilot, watcher]) {
    await untilPhase(page, 'live')
    await untilScene(page, 'what the owner did', (scene) => scene.paused && scene.focus === 'Mars' && scene.time.startsWith('1997-07-04T16:56:00'))
  }

  assert.match((await wish(watcher.page, 'focus', { node: 'Earth' })).error, /for watching/)
  assert.match((await wish(pilot.page, 'focus', { node: 'Earth' })).error, /Somebody else is steering/)
  assert.match((await wish(pilot.page, 'show', { node: 'Stars', visible: false })).error, /Only a presenter/)
  assert.match((await wish(owner.page, 'focus', { node: "Mars');openspace.toggleShutdown();--" })).error, /not the name of a node/)
  assert.match((await wish(owner.page, 'trigger_action', { action: 'os.ToggleShutdown' })).error, /not an action/)
  assert.match((await wish(owner.page, 'lua', { script: 'openspace.toggleShutdown()' })).error, /not understood/)

  assert.deepEqual(await wish(owner.page, 'trigger_action', { action: 'os.FlyToEarth' }), { ok: null })
  for (const { page } of [owner, pilot, watcher]) await untilScene(page, 'Earth', (scene) => scene.focus === 'Earth')
  for (const { problems, context } of [owner, pilot, watcher]) {
    assert.deepEqual(problems, [])
    await context.close()
  }
  await node.admin('DELETE', `/instances/${id}`)
})
