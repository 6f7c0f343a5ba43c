// An OpenSpace that is silent, answers garbage, or hangs up while people watch: the picture goes on, and the page says what is off.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'

import { TestNode, framesRise, installReader, launch, launchBrowser, person, until, untilIs, untilPhase } from '../harness.js'
import { bar, launched, wake } from '../rig/scene.js'

let dir
let node
let browser

before(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'openspace-webrtc-fault-'))
  node = await TestNode.start({ env: { OPENSPACE_DEMO_BARCODE: '1', OPENSPACE_DEMO_FAULT: `@${path.join(dir, 'fault')}` } })
  browser = await launchBrowser()
})

after(async () => {
  await browser?.close()
  await node?.close()
  await rm(dir, { recursive: true, force: true })
})

const fault = (rules) => writeFile(path.join(dir, 'fault'), rules)

const notice = (page) => page.locator('[data-trouble]')

const says = (page, words) => notice(page).filter({ hasText: words }).waitFor()

const row = async (id) => (await node.admin('GET', '/admin/snapshot')).instances.find((one) => one.instance.instance_id === id)

/** The picture moves, and a press on it still reaches the program: it paints how many there were. */
async function pictureGoesOn(page) {
  const { later } = await framesRise(page)
  await page.mouse.click(600, 360)
  await until('the press in the picture', async () => ((await page.evaluate(() => window.readFrame()))?.input ?? 0) > later.input)
  await untilPhase(page, 'live')
}

async function wellAgain(page, id) {
  await fault('')
  await notice(page).waitFor({ state: 'detached' })
  await until('the pause', () => page.getByRole('button', { name: /pause time|let time pass/i }).isEnabled())
  assert.deepEqual(await page.evaluate(() => window.openspaceStream.wish({ name: 'pause', args: { paused: false } })), null)
  await untilIs('nothing to say', async () => (await row(id)).instance.message, null)
}

test('silence, garbage and a broken connection turn the controls off with a sentence, never the picture, and they come back', async () => {
  const { page, context, id, problems } = await launched(browser, node)
  await installReader(page)
  await page.mouse.click(600, 360)
  await until('the wheel', async () => (await page.locator('[data-control="mine"]').count()) > 0)

  await fault('any:silent')
  await says(page, 'The picture is live, but OpenSpace does not answer: its controls are off.')
  assert.equal(await notice(page).getAttribute('data-trouble'), 'everything')
  await wake(page)
  for (const name of ['Pause time', 'Faster', /jump to another date/i, /go somewhere else/i])
    await until(`${name}: off`, () => page.getByRole('button', { name }).first().isDisabled())
  await pictureGoesOn(page)
  const wish = () =>
    page.evaluate(() => window.openspaceStream.wish({ name: 'pause', args: { paused: true } }).then(() => null, (error) => error.message))
  assert.match(await wish(), /^OpenSpace does not answer at the moment/)
  // Whoever looks after the machine reads it in the panel, and once in the log.
  await until('the words in the panel', async () => /OpenSpace does not answer/.test((await row(id)).instance.message))
  const logged = async () => (await row(id)).log_tail.filter((line) => line.startsWith('» The picture is live')).length
  await untilIs('one line in the log', logged, 1)
  await until('the warning', async () => {
    const { warnings } = await node.admin('GET', '/admin/snapshot')
    return warnings.some((warning) => warning.includes(id.slice(0, 8)))
  })
  await wellAgain(page, id)

  await page.getByRole('button', { name: 'Explore the scene' }).click()
  const panel = page.locator('[data-scene-panel]')
  await panel.getByRole('searchbox').fill('mars')
  await panel.getByRole('switch').first().waitFor()
  await fault('get:garbage')
  await page.evaluate(() => window.openspaceStream.wish({ name: 'list_properties', args: {} }).catch(() => null))
  await says(page, /cannot be read when it is asked what is in the scene: what shows and adjusts the scene is off/)
  await until('time, which is not what is missing', () => page.getByRole('button', { name: 'Pause time' }).isEnabled())
  assert.equal(await wish(), null, 'nor is it refused')
  await panel.getByText('Off until OpenSpace answers again.').waitFor()
  await until('a switch that is off', () => panel.getByRole('switch').first().isDisabled())
  await wellAgain(page, id)
  await until('a switch that is on again', () => panel.getByRole('switch').first().isEnabled())

  await fault('any:hangup')
  await says(page, /its controls are off: OpenSpace hung up/)
  await bar(page).waitFor({ state: 'detached' })
  await pictureGoesOn(page)
  await wellAgain(page, id)
  await bar(page).waitFor({ state: 'attached' })
  assert.equal(await page.getByText('The scene is back').count(), 0, 'the program has run on, with all that people did in it')

  assert.deepEqual(problems, [])
  await node.admin('DELETE', `/instances/${id}`)
  await context.close()
})

test('one that hangs up from the beginning is seen all the same, and its controls come when it answers', async () => {
  await fault('connect:hangup')
  const { page, context } = await person(browser)
  await launch(page, node.url)
  await says(page, /its controls are off: OpenSpace closed the connection before it answered/)
  await untilPhase(page, 'live')
  assert.equal(await bar(page).count(), 0)
  await fault('')
  await bar(page).waitFor({ state: 'attached' })
  await notice(page).waitFor({ state: 'detached' })
  await context.close()
})
