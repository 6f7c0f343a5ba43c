// A machine is lost under its viewers: where it is to go on by itself, the page comes back as it was left; where it never is, it says so.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { TestNode, framesRise, installReader, invite, launchBrowser, listenToScene, look, person, until, untilPhase } from '../harness.js'
import { joined, launchAt, serverId } from '../rig/fleet.js'
import { Postgres } from '../rig/postgres.js'

/** What each machine does with what another one loses. */
const POLICIES = { Dome: 'auto', Attic: 'never', Foyer: 'ask' }
let postgres, browser
const nodes = {}

before(async () => {
  postgres = await Postgres.start({ on: [], address: '127.0.0.1' })
  const starts = Object.entries(POLICIES).map(async ([name, policy]) => {
    const sets = [`server.name=${name}`, `relay.continue=${policy}`, 'relay.bind=127.0.0.1', 'registry.address=127.0.0.1', 'instances.slots=2']
    const env = { OPENSPACE_DEMO_BARCODE: '1', OPENSPACE_WEBRTC_REGISTRY_URL: postgres.url }
    nodes[name] = await TestNode.start({ sets, env })
  })
  await Promise.all(starts)
  const { Dome, Foyer, Attic } = nodes
  await joined([Dome, Foyer, Attic], [Dome, Attic])
  browser = await launchBrowser()
})

after(async () => {
  await browser?.close()
  await Promise.all(Object.values(nodes).map((node) => node.close()))
  await postgres?.close()
})

/** Somebody at this machine's page watches an instance that runs on Foyer. */
async function watches(name) {
  const { page, problems } = await person(browser)
  await page.addInitScript(listenToScene)
  await page.goto(nodes[name].url)
  await until('a session', () => page.evaluate(() => localStorage.session_id))
  const id = await launchAt(page, await serverId(nodes.Foyer))
  await page.goto(`${nodes[name].url}/stream/${id}`)
  await untilPhase(page, 'live')
  return { page, problems, id }
}

const wish = (page, name, args = {}) => page.evaluate((wish) => window.openspaceStream.wish(wish), { name, args })

test('a page comes back by itself on another machine as it was left, guests with it; one that may not says so, until an administrator has it go on', async () => {
  const ann = await watches('Dome')
  const bob = await watches('Attic')
  const guest = await person(browser)
  await guest.page.goto(await invite(ann.page, ann.id, 'watcher'))
  await untilPhase(guest.page, 'live')

  await wish(ann.page, 'pause', { paused: true })
  await wish(ann.page, 'set_time', { time: '1997-07-04T16:56:00Z' })
  await wish(ann.page, 'fly_to', { node: 'Mars', duration_s: 0.2 })
  const arranged = async () => {
    const scene = await ann.page.evaluate(() => window.told)
    return scene?.focus === 'Mars' && scene.paused && scene.time.startsWith('1997-07-04T16:56') && scene.mode === 'user_control'
  }
  await until('Mars, 1997, paused', arranged)
  const saved = "SELECT count(*) FROM machine_instances WHERE scene->>'focus' = 'Mars' AND (scene->>'paused')::bool AND invites IS NOT NULL"
  await until('the scene in the registry', async () => (await postgres.sql(saved)) === '1')

  await nodes.Foyer.kill()
  await ann.page.evaluate(() => (window.told = undefined))
  await ann.page.getByText('The scene is back as it was left.').waitFor()
  await untilPhase(ann.page, 'live')
  await installReader(ann.page)
  await framesRise(ann.page)
  await until('Mars, 1997, paused', arranged)
  await untilPhase(guest.page, 'live')

  await bob.page.getByText('It cannot be continued on another machine').waitFor()
  await look(bob.page, 'never')
  assert.equal(await bob.page.getByRole('button', { name: /another machine/ }).count(), 0)
  await bob.page.getByRole('link', { name: 'Go to the home page' }).click()
  await bob.page.getByText('It cannot be continued on another machine').waitFor()
  await look(bob.page, 'never-home')

  const admin = await person(browser)
  const { token } = await nodes.Dome.command({ command: 'create_token' })
  await admin.page.goto(`${nodes.Dome.url}/admin`)
  await admin.page.getByLabel(/enter it here/i).fill(token)
  await admin.page.keyboard.press('Enter')
  await admin.page.getByRole('heading', { name: 'Lost with their machines' }).waitFor()
  await look(admin.page, 'lost-panel')
  await bob.page.goto(`${nodes.Attic.url}/stream/${bob.id}`)
  await admin.page.getByRole('button', { name: 'Continue elsewhere' }).click()
  await untilPhase(bob.page, 'live')
  await admin.page.getByRole('heading', { name: 'Lost with their machines' }).waitFor({ state: 'detached' })
  assert.deepEqual([...ann.problems, ...bob.problems, ...guest.problems, ...admin.problems], [])
})
