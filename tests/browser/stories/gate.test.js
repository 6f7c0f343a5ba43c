// What the gate lets through by the channels themselves, without the buttons of the page: roles, names of the live scene, and no Lua.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { TestNode, invite, launch, launchBrowser, listenToScene, person, until, untilPhase } from '../harness.js'

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

async function viewer() {
  const { context, page, problems } = await person(browser)
  await page.addInitScript(listenToScene)
  return { context, page, problems }
}

async function invited(owner, id, role) {
  const guest = await viewer()
  await guest.page.goto(await invite(owner.page, id, role))
  return guest
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

test('wishes by the bare channels come true for everybody, each within its role, and nothing hostile gets through', async () => {
  const owner = await viewer()
  const id = await launch(owner.page, node.url)
  await untilScene(owner.page, 'the first state', (scene) => scene.focus)

  const { ok: nodes } = await wish(owner.page, 'list_nodes', { search: 'mars' })
  assert.ok(nodes.some(({ id, interesting }) => id === 'Mars' && interesting))
  assert.deepEqual(await wish(owner.page, 'fly_to', { node: 'Mars', duration_s: 0.5 }), { ok: null })
  await untilScene(owner.page, 'Mars', (scene) => scene.focus === 'Mars')
  assert.deepEqual(await wish(owner.page, 'pause', { paused: true }), { ok: null })
  assert.deepEqual(await wish(owner.page, 'set_time', { time: '1997-07-04T16:56:00Z' }), { ok: null })

  const pilot = await invited(owner, id, 'pilot')
  const watcher = await invited(owner, id, 'watcher')
  for (const { page } of [pilot, watcher]) {
    await untilPhase(page, 'live')
    await untilScene(page, 'what the owner did', (scene) => scene.paused && scene.focus === 'Mars' && scene.time.startsWith('1997-07-04T16:56:00'))
  }

  assert.match((await wish(watcher.page, 'focus', { node: 'Earth' })).error, /for watching/)
  assert.match((await wish(pilot.page, 'focus', { node: 'Earth' })).error, /Somebody else is steering/)
  assert.match((await wish(pilot.page, 'show', { node: 'Stars', visible: false })).error, /Only a presenter/)
  assert.match((await wish(owner.page, 'focus', { node: "Mars');openspace.toggleShutdown();--" })).error, /not the name of a node/)
  assert.match((await wish(owner.page, 'trigger_action', { action: 'os.ToggleShutdown' })).error, /not an action/)
  assert.match((await wish(owner.page, 'lua', { script: 'openspace.toggleShutdown()' })).error, /Only an administrator/)
  assert.match((await wish(owner.page, 'luascript', { script: 'openspace.toggleShutdown()' })).error, /not understood/)

  assert.deepEqual(await wish(owner.page, 'trigger_action', { action: 'os.FlyToEarth' }), { ok: null })
  for (const { page } of [owner, pilot, watcher]) await untilScene(page, 'Earth', (scene) => scene.focus === 'Earth')
  for (const { problems, context } of [owner, pilot, watcher]) {
    assert.deepEqual(problems, [])
    await context.close()
  }
  await node.admin('DELETE', `/instances/${id}`)
})

test('a presenter changes properties, keeps pictures and recordings and fetches them; a pilot does not; all of it is audited', async () => {
  const owner = await viewer()
  const id = await launch(owner.page, node.url)
  await untilScene(owner.page, 'the first state', (scene) => scene.focus)
  const presenter = await invited(owner, id, 'presenter')
  const pilot = await invited(owner, id, 'pilot')
  for (const { page } of [presenter, pilot]) await untilPhase(page, 'live')

  const { ok: offered } = await wish(presenter.page, 'list_properties', { search: 'grid' })
  const colour = offered.find(({ kind }) => kind.type === 'colour')
  assert.equal(colour.owner, 'Celestial Grid › Renderable')
  assert.deepEqual(await wish(presenter.page, 'set_property', { uri: colour.uri, value: [1, 0.5, 0] }), { ok: null })
  const { ok: after } = await until('the new colour', async () => {
    const answer = await wish(presenter.page, 'list_properties', { search: colour.uri })
    return answer.ok?.[0].value[0] === 1 ? answer : undefined
  })
  assert.deepEqual(after[0].value, [1, 0.5, 0])
  assert.match((await wish(presenter.page, 'set_property', { uri: colour.uri, value: [2, 0, 0] })).error, /takes 3 numbers from 0 to 1/)
  assert.match((await wish(presenter.page, 'set_property', { uri: 'Modules.CefWebGui.Visible', value: true })).error, /not a property/)
  assert.match((await wish(pilot.page, 'set_property', { uri: colour.uri, value: [1, 0, 0] })).error, /Only a presenter/)

  const { ok: picture } = await wish(presenter.page, 'screenshot')
  assert.equal(picture.name, 'screenshot-1.png')
  const fetched = (page, name) =>
    page.evaluate(
      async ([id, name]) => {
        const headers = { authorization: `Bearer ${localStorage.session_id}` }
        const response = await fetch(`/api/v1/instances/${id}/${name}`, { headers })
        const bytes = new Uint8Array(await response.arrayBuffer())
        return { status: response.status, bytes: bytes.length, head: [...bytes.slice(1, 4)] }
      },
      [id, name],
    )
  assert.deepEqual(await fetched(presenter.page, 'screenshots/screenshot-1.png'), { status: 200, bytes: picture.bytes, head: [80, 78, 71] })
  assert.equal((await fetched(owner.page, 'screenshots')).status, 200)
  assert.equal((await fetched(pilot.page, 'screenshots/screenshot-1.png')).status, 403)
  assert.equal((await fetched(presenter.page, 'screenshots/..%2f..%2fopenspace.cfg')).status, 404)

  assert.deepEqual(await wish(presenter.page, 'start_recording'), { ok: null })
  await untilScene(owner.page, 'the recording', (scene) => scene.recorder === 'recording')
  assert.match((await wish(presenter.page, 'start_recording')).error, /under way/)
  assert.equal((await wish(presenter.page, 'stop_recording')).ok.name, 'recording-1.osrec')
  assert.equal((await fetched(presenter.page, 'recordings/recording-1.osrec')).status, 200)
  assert.match((await wish(presenter.page, 'play_recording', { name: '../recording-1.osrec' })).error, /no such recording/)
  assert.match((await wish(presenter.page, 'play_recording', { name: 'recording-1.osrec' })).error, /Somebody else is steering/)
  assert.deepEqual(await wish(owner.page, 'play_recording', { name: 'recording-1.osrec', looped: true }), { ok: null })
  await untilScene(presenter.page, 'the playback', (scene) => scene.recorder === 'playing')
  assert.deepEqual(await wish(owner.page, 'stop_playback'), { ok: null })

  const { entries } = await node.admin('GET', `/admin/audit?instance=${id}`)
  const said = entries.map(({ kind, what, role, outcome }) => `${kind} ${what} ${role} ${outcome}`)
  for (const line of [
    'instance launch null done',
    'control takes control owner done',
    'instance invite null done',
    'wish set_property presenter done',
    'wish set_property pilot refused',
    'wish screenshot presenter done',
    'wish play_recording owner done',
  ]) {
    assert.ok(said.includes(line), `${line} is missing in ${said.join('; ')}`)
  }
  const session = await owner.page.evaluate(() => localStorage.session_id)
  assert.ok(!JSON.stringify(entries).includes(session))
  for (const { problems, context } of [owner, presenter, pilot]) {
    assert.deepEqual(problems, [])
    await context.close()
  }
  await node.admin('DELETE', `/instances/${id}`)
})
