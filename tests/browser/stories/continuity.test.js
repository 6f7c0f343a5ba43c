// A session never loses its place: the scene comes back after a crash, after a restart, and when its owner goes on with it later.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { after, before, test } from 'node:test'

import { TestNode, launch, launchBrowser, listenToScene, look, person, until, untilIs, untilPhase } from '../harness.js'

let node
let browser

before(async () => {
  node = await TestNode.start({ sets: ['log.level=info,node=debug'] })
  browser = await launchBrowser()
})

after(async () => {
  await browser?.close()
  await node?.close()
})

const wish = (page, name, args = {}) => page.evaluate((wish) => window.openspaceStream.wish(wish), { name, args })
const told = (page) => page.evaluate(() => window.told)
const idOf = (page) => page.url().match(/stream\/([0-9a-f-]{36})/)[1]

/** For a node whose clock has moved on; what runs by spans goes on as it was. */
async function anHourLater() {
  const folders = await readdir('/usr/lib')
  const library = folders.map((folder) => `/usr/lib/${folder}/faketime/libfaketime.so.1`).find((file) => existsSync(file))
  assert.ok(library, 'install faketime')
  return { LD_PRELOAD: library, FAKETIME: '+3600', FAKETIME_DONT_FAKE_MONOTONIC: '1' }
}

async function launched() {
  const viewer = await person(browser)
  await viewer.page.addInitScript(listenToScene)
  await launch(viewer.page, node.url)
  await until('the first state', async () => (await told(viewer.page))?.focus)
  return viewer
}

/** Mars in 1997, an hour a second, and no stars: done, and saved. */
async function arrange(page) {
  await wish(page, 'pause', { paused: true })
  await wish(page, 'set_time', { time: '1997-07-04T16:56:00Z' })
  await wish(page, 'set_rate', { seconds_per_second: 3600 })
  await wish(page, 'show', { node: 'Stars', visible: false })
  await wish(page, 'fly_to', { node: 'Mars', duration_s: 0.2 })
  await untilArranged(page)
  // On its way it is not where it will be.
  await until('the end of the flight', async () => (await told(page)).mode === 'user_control')
  // The one setting is the switch of the stars.
  await until('the scene to be saved', async () =>
    (await node.log()).split('\n').some((line) => /scene saved.*focus="?Mars"? settings=1/.test(line) && line.includes(idOf(page)) && line.includes('1997-07-04T16:56')))
}

async function untilArranged(page) {
  await until('Mars, 1997, paused', async () => {
    const scene = await told(page)
    return scene && scene.focus === 'Mars' && scene.paused && scene.time.startsWith('1997-07-04T16:56') && scene.rate_seconds_per_second === 3600
  })
}

const starsShown = async (page) => {
  const list = await wish(page, 'list_properties', { search: 'Scene.Stars.Renderable.Enabled' })
  return list.find(({ uri }) => uri === 'Scene.Stars.Renderable.Enabled').value
}

test('a crash brings the scene back as it was: focus, time, rate, pause and what was hidden', async () => {
  const { page, problems, context } = await launched()
  await arrange(page)
  const pid = await node.pidOf(idOf(page))
  process.kill(pid, 'SIGKILL')
  await page.getByText('The scene is back as it was left.').waitFor()
  await untilPhase(page, 'live')
  await untilArranged(page)
  assert.equal(await starsShown(page), false)
  assert.notEqual(await node.pidOf(idOf(page)), pid)
  assert.deepEqual(problems, [])
  await node.admin('DELETE', `/instances/${idOf(page)}`)
  await context.close()
})

test('a crash in the middle of a flight brings back where it was seen, with its time, rate and what was hidden', async () => {
  const { page, problems, context } = await launched()
  await arrange(page)
  await wish(page, 'fly_to', { node: 'Saturn', duration_s: 120 })
  await until('the flight', async () => (await told(page)).mode === 'camera_path')
  const saves = async () => (await node.log()).split('scene saved').length
  const before = await saves()
  await until('the scene to be saved on its way', async () => (await saves()) > before)
  const { focus } = await told(page)
  process.kill(await node.pidOf(idOf(page)), 'SIGKILL')
  await page.evaluate(() => (window.told = undefined))
  await page.getByText('The scene is back as it was left.').waitFor()
  await untilPhase(page, 'live')
  await until('where it was', async () => {
    const scene = await told(page)
    return scene && scene.focus === focus && scene.paused && scene.time.startsWith('1997-07-04T16:56') && scene.rate_seconds_per_second === 3600
  })
  assert.equal(await starsShown(page), false)
  assert.deepEqual(problems, [])
  await node.admin('DELETE', `/instances/${idOf(page)}`)
  await context.close()
})

test('what was stopped is gone on with an hour later from the home page, in a new instance, and only by whose it was', async () => {
  const { page, problems, context } = await launched()
  await arrange(page)
  const first = idOf(page)
  await page.goto(node.url)
  await page.getByRole('button', { name: /^stop/i }).click()
  await page.getByRole('button', { name: 'Stop it' }).click()
  await page.getByRole('heading', { name: 'Continue where you left off' }).waitFor()
  await page.getByText('Mars, 4 July 1997').waitFor()
  if (process.env.OPENSPACE_WEBRTC_SCREENSHOTS) {
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme })
      await page.screenshot({ path: `${process.env.OPENSPACE_WEBRTC_SCREENSHOTS}/continue-${scheme}.png` })
    }
  }

  const stranger = await person(browser)
  await stranger.page.goto(node.url)
  await stranger.page.getByRole('button', { name: /^launch/i }).waitFor()
  await until('a session', () => stranger.page.evaluate(() => localStorage.session_id))
  assert.equal(await stranger.page.getByText('Continue where you left off').count(), 0)
  const stolen = await stranger.page.evaluate(async (id) => {
    const headers = { authorization: `Bearer ${localStorage.session_id}`, 'content-type': 'application/json' }
    const answer = await fetch('/api/v1/instances', { method: 'POST', headers, body: JSON.stringify({ resume: id }) })
    return answer.status
  }, first)
  assert.equal(stolen, 404)
  await stranger.context.close()

  await node.end('SIGTERM')
  Object.assign(node.env, await anHourLater())
  await node.up()
  await page.reload()
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.waitForURL(/\/stream\/[0-9a-f-]{36}/)
  assert.notEqual(idOf(page), first)
  await untilPhase(page, 'live')
  await untilArranged(page)
  assert.equal(await starsShown(page), false)
  assert.deepEqual(problems, [])
  await page.goto(node.url)
  await page.getByRole('heading', { name: /your instances/i }).waitFor()
  await untilIs('that it is not offered twice', () => page.getByText('Continue where you left off').count(), 0)
  await context.close()
})

test('of more changed settings than can be brought back, the page says how many are missing', async (story) => {
  const large = await TestNode.start({ sets: ['gate.raw_lua=true', 'log.level=info,node=debug'], env: { OPENSPACE_DEMO_PROPERTIES: '5500' } })
  story.after(() => large.close())
  const { page, problems } = await person(browser)
  const id = await launch(page, large.url)
  const admin = await person(browser)
  const { token } = await large.command({ command: 'create_token' })
  await admin.page.addInitScript((token) => localStorage.setItem('session_id', token), token)
  await admin.page.addInitScript(listenToScene)
  await admin.page.goto(page.url())
  await until('the scene', async () => (await told(admin.page))?.focus)

  // Four settings of each body at once, as no page does: by a script, which is for administrators where it is switched on, and audited.
  const settings = ['Opacity', 'Size', 'Brightness', 'Contrast'].map((name) => `'Scene.Catalogue*.Renderable.${name}'`)
  const script = `local n = 0
    for _, all in ipairs({ ${settings} }) do
      n = n + #openspace.property(all)
      openspace.setPropertyValue(all, 0.25)
    end
    return n`
  const { 1: changed } = await wish(admin.page, 'lua', { script })
  assert.ok(changed > 2000, `${changed} were changed`)
  await until('the scene to be saved', async () => (await large.log()).includes(`settings=${changed}`))
  process.kill(await large.pidOf(id), 'SIGKILL')
  const says = page.getByText(`The scene is back, except for: ${changed - 2000} of its ${changed} changed settings, which are more than can be brought back.`)
  await says.waitFor()
  await look(page, 'left-out')
  await untilPhase(page, 'live')
  const first = { script: "return openspace.propertyValue('Scene.Catalogue00000.Renderable.Opacity')" }
  assert.deepEqual(await until('an answer', () => wish(admin.page, 'lua', first)), { 1: 0.25 })
  const { entries } = await large.admin('GET', `/admin/audit?instance=${id}`)
  assert.ok(entries.some(({ kind, detail }) => kind === 'script' && detail === script), 'the script is in the audit log')
  assert.deepEqual([...problems, ...admin.problems], [])
})
