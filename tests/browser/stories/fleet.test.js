// Three machines, each in a network of its own, meet in one registry: what runs on one is launched, watched and lost from another's page.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { TestNode, framesRise, installReader, keepPeers, launchBrowser, listenToScene, person, until, untilIs, untilPhase } from '../harness.js'
import { joined, launchAt, serverId } from '../rig/fleet.js'
import { Machines } from '../rig/machines.js'
import { Postgres } from '../rig/postgres.js'

const NAMES = ['Dome', 'Foyer', 'Attic']
let machines, postgres, browser
/** Where a guest's computer finds the machine Dome, and nothing else. */
let outside
let nodes = {}

before(async () => {
  machines = await Machines.of(NAMES)
  if (machines.reason) {
    console.warn(`\n!! NO NETWORK NAMESPACES HERE (${machines.reason}).`)
    console.warn('!! All machines share the loopback, and one is cut off by stopping it: run as root for real cables.\n')
  }
  if (!machines.reason) outside = await machines.guestOf('Dome')
  postgres = await Postgres.start({ on: machines.on(), address: machines.registryAddress })
  const starts = NAMES.map(async (name) => {
    const sets = [`server.name=${name}`, 'instances.slots=2', `registry.address=${machines.address(name)}`, 'log.level=info,node=debug']
    const env = { OPENSPACE_DEMO_BARCODE: '1', OPENSPACE_WEBRTC_REGISTRY_URL: postgres.url }
    nodes[name] = await TestNode.start({ sets, env, on: machines.on(name) })
  })
  await Promise.all(starts)
  const { Dome, Foyer, Attic } = nodes
  await joined([Dome, Foyer, Attic], [Dome])
  browser = await launchBrowser({ executablePath: await machines.chromium('Dome', Dome.data) })
})

after(async () => {
  await browser?.close()
  await Promise.all(Object.values(nodes).map((node) => node.close()))
  await postgres?.close()
  await machines?.close()
})

const wish = (page, name, args = {}) => page.evaluate((wish) => window.openspaceStream.wish(wish), { name, args })
const told = (page) => page.evaluate(() => window.told)

async function watches(page) {
  await untilPhase(page, 'live')
  await installReader(page)
  await framesRise(page)
}

const saying = (page, words) => page.getByText(words).first().waitFor()

test('who reaches one machine only watches what runs on another through it', async (t) => {
  if (machines.reason) return t.skip(`without network namespaces everybody reaches everything: ${machines.reason}`)
  const { Dome, Foyer } = nodes
  const home = `https://${outside}:${Dome.ports.https}`
  const browser = await launchBrowser({ executablePath: await machines.chromium('guest', Dome.data) })
  t.after(() => browser.close())
  const { page, problems } = await person(browser)
  await page.addInitScript(keepPeers)
  await page.goto(home)
  await until('a session', () => page.evaluate(() => localStorage.session_id))
  const id = await launchAt(page, await serverId(Foyer))
  await page.goto(`${home}/stream/${id}`)
  await watches(page)
  const remote = await page.evaluate(remoteOfMedia)
  assert.equal(`${remote.address}:${remote.port}`, `${new URL(home).hostname}:${Dome.ports.media}`, 'by the one port of media')
  assert.equal(remote.candidateType, 'relay')
  assert.deepEqual(problems, [])
  await Foyer.admin('DELETE', `/instances/${id}`)
})

/** In the page: where its media comes from. */
async function remoteOfMedia() {
  const stats = await window.newestPeer.getStats()
  const all = [...stats.values()]
  const transport = all.find((one) => one.type === 'transport')
  return stats.get(stats.get(transport.selectedCandidatePairId).remoteCandidateId)
}

test('an instance of another machine is watched, cut off, killed, and goes on elsewhere as it was left', async () => {
  const { Dome, Foyer } = nodes
  const { page, problems } = await person(browser)
  await page.addInitScript(listenToScene)
  await page.addInitScript(keepPeers)
  await page.goto(Dome.url)
  await until('a session', () => page.evaluate(() => localStorage.session_id))
  const id = await launchAt(page, await serverId(Foyer))
  await page.goto(`${Dome.url}/stream/${id}`)
  await watches(page)
  const remote = await page.evaluate(remoteOfMedia)
  assert.notEqual(remote.candidateType, 'relay', 'who reaches it gets its picture directly')
  const runsOn = async () => (await Foyer.admin('GET', '/admin/snapshot')).instances.map((row) => row.instance.instance_id)
  await untilIs('that it alone runs on the machine that was chosen', runsOn, [id])

  await wish(page, 'pause', { paused: true })
  await wish(page, 'set_time', { time: '1997-07-04T16:56:00Z' })
  await wish(page, 'fly_to', { node: 'Mars', duration_s: 0.2 })
  const arranged = async () => {
    const scene = await told(page)
    return scene?.focus === 'Mars' && scene.paused && scene.time.startsWith('1997-07-04T16:56') && scene.mode === 'user_control'
  }
  await until('Mars, 1997, paused', arranged)

  await machines.cut('Foyer', Foyer)
  await saying(page, 'Waiting for the machine')
  await saying(page, 'The machine Foyer does not answer any more')
  await machines.mend('Foyer', Foyer)
  await watches(page)
  await until('the same scene', arranged)
  const saved = "SELECT count(*) FROM machine_instances WHERE scene->>'focus' = 'Mars' AND (scene->>'paused')::bool"
  await until('the scene in the registry', async () => (await postgres.sql(saved)) === '1')

  await Foyer.kill()
  await saying(page, 'The machine Foyer does not answer any more')
  if (process.env.OPENSPACE_WEBRTC_SCREENSHOTS) await pictures(page, 'lost')
  const home = await page.context().newPage()
  await home.goto(Dome.url)
  await home.getByRole('button', { name: 'Continue elsewhere' }).waitFor()
  if (process.env.OPENSPACE_WEBRTC_SCREENSHOTS) await pictures(home, 'lost-home')
  await home.close()
  await page.evaluate(() => (window.told = undefined))
  await page.getByRole('button', { name: 'Continue on another machine' }).click()
  await saying(page, 'The scene is back as it was left.')
  await watches(page)
  await until('Mars, 1997, paused', arranged)
  assert.ok(page.url().endsWith(id), 'at the same address')

  await Foyer.up()
  await until('that the old machine lets go', async () => (await Foyer.admin('GET', '/admin/snapshot')).instances.length === 0)
  await watches(page)
  assert.deepEqual(problems, [])
})

/** For people to look at. */
async function pictures(page, name) {
  for (const [size, width, height] of [['wide', 1280, 800], ['narrow', 390, 800]]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize({ width, height })
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: `${process.env.OPENSPACE_WEBRTC_SCREENSHOTS}/${name}-${size}-${colorScheme}.png` })
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 })
}
