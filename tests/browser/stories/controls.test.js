// What else there is to do with a scene: show and hide, adjust, follow a mission, take pictures, record.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'

import { TestNode, launchBrowser, until, untilIs } from '../harness.js'
import { bar, invited, launched, wake } from '../rig/scene.js'

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

let node
let browser
let owner
let presenter
let watcher

before(async () => {
  node = await TestNode.start()
  browser = await launchBrowser()
  owner = await launched(browser, node)
  presenter = await invited(browser, owner, owner.id, 'presenter')
  watcher = await invited(browser, owner, owner.id, 'watcher')
})

after(async () => {
  await browser?.close()
  await node?.close()
})

const panel = (page) => page.locator('[data-scene-panel]')

/** Opens the panel, unless it is open, at one of its tabs. */
async function explore(page, tab) {
  if ((await panel(page).count()) === 0) {
    await wake(page)
    await page.getByRole('button', { name: 'Explore the scene' }).click()
  }
  await page.getByRole('tab', { name: tab }).click()
}

const row = (page, node) => page.locator(`[data-toggle="${node}"]`)

const untilShown = (page, node, shown) =>
  until(`${node} shown: ${shown}`, async () => (await row(page, node).getAttribute('data-shown')) === String(shown))

/** The scene's time is from this moment on, and within the next hour: it goes on while it is looked at. */
const untilTime = (page, what, from) =>
  until(what, async () => {
    const now = await bar(page).locator('time').getAttribute('datetime')
    const after = Date.parse(`${now.slice(0, 19)}Z`) - Date.parse(`${from}Z`)
    return after >= 0 && after < 3_600_000
  })

const wish = (page, wish) =>
  page.evaluate((wish) => window.openspaceStream.wish(wish).then(() => null, (error) => error.message), wish)

test('two viewers see what the other shows and hides, and a watcher sees it and reads why not', async () => {
  const all = [owner.page, presenter.page, watcher.page]
  for (const page of all) {
    await explore(page, 'Show')
    await page.getByRole('searchbox', { name: 'Search what can be shown' }).fill('solar trail earth')
    await untilShown(page, 'EarthTrail', false)
  }
  await owner.page.getByRole('switch', { name: 'Earth Trail' }).click()
  for (const page of all) await untilShown(page, 'EarthTrail', true)
  // It fades away, and is told to be hidden when it is.
  await presenter.page.getByRole('switch', { name: 'Earth Trail' }).click()
  for (const page of all) await untilShown(page, 'EarthTrail', false)

  await watcher.page.getByText(/switching it takes the role of presenter/i).waitFor()
  assert.ok(await watcher.page.getByRole('switch', { name: 'Earth Trail' }).isDisabled())
  assert.equal(await watcher.page.getByRole('tab', { name: 'Adjust' }).count(), 0)
  assert.match(await wish(watcher.page, { name: 'show', args: { node: 'EarthTrail', visible: true } }), /^Your link is for watching\./)
  // An action of the scene, which names no node, is followed as well.
  assert.equal(await wish(owner.page, { name: 'trigger_action', args: { action: 'os.ToggleTrails' } }), null)
  for (const page of all) await untilShown(page, 'EarthTrail', true)
})

test('a setting that one viewer changes is told to the other, and nonsense is refused with a sentence', async () => {
  const lines = '[data-property="Scene.Grid.Renderable.Lines"]'
  for (const { page } of [owner, presenter]) {
    await explore(page, 'Adjust')
    await page.getByRole('searchbox', { name: 'Search the settings' }).fill('lines')
    await page.locator(lines).waitFor()
  }
  await owner.page.locator(lines).getByRole('combobox').selectOption({ label: 'Many' })
  for (const { page } of [owner, presenter])
    await until('the new value', async () => (await page.locator(lines).getAttribute('data-value')) === '2')
  assert.match(
    await wish(owner.page, { name: 'set_property', args: { uri: 'Scene.Grid.Renderable.Lines', value: 99 } }),
    /takes one of its options/,
  )
})

test('a mission marks the present and leads to its moments', async () => {
  await explore(owner.page, 'Missions')
  const phase = owner.page.locator('[data-phase="On the Moon"]')
  assert.equal(await phase.getAttribute('data-now'), 'false')
  await phase.getByRole('button', { name: /^On the Moon/ }).click()
  await untilTime(owner.page, 'the landing', '1969-07-20T20:17:40')
  await until('the phase', async () => (await phase.getAttribute('data-now')) === 'true')
  await owner.page.getByRole('button', { name: /^The first step/ }).click()
  await untilTime(owner.page, 'the first step', '1969-07-21T02:56:10')

  await explore(watcher.page, 'Missions')
  await until('the watcher sees where it is', async () =>
    (await watcher.page.locator('[data-phase="On the Moon"]').getAttribute('data-now')) === 'true')
  assert.ok(await watcher.page.getByRole('button', { name: /^The first step/ }).isDisabled())
})

test('on a phone the panel leaves the picture in sight, and Escape leads back to it', async () => {
  const { page } = owner
  const before = page.viewportSize()
  await page.setViewportSize({ width: 390, height: 780 })
  await explore(page, 'Show')
  await until('the picture above a panel that fits', async () => {
    const [shown, picture] = await Promise.all([panel(page).boundingBox(), page.locator('#stream').boundingBox()])
    return shown.x >= 0 && shown.x + shown.width <= 390 && picture.y + picture.height <= shown.y + 2
  })
  await untilIs('nothing that sticks out', () => page.evaluate(() => document.documentElement.scrollWidth), 390)
  await page.keyboard.press('Escape')
  await panel(page).waitFor({ state: 'detached' })
  await untilIs('the keyboard in the picture', () => page.evaluate(() => document.activeElement.id), 'stage')
  await page.setViewportSize(before)
})

test('a picture is taken and fetched; a recording is seen by everybody, ends, and is played', async () => {
  const { page } = owner
  await explore(page, 'Capture')
  await page.getByText('No picture has been taken yet.').waitFor()
  await page.getByText(/nothing has been recorded yet/i).waitFor()
  await page.getByRole('button', { name: 'Take a picture' }).click()
  await page.getByAltText(/just taken/).waitFor()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: /^Download screenshot/ }).first().click(),
  ])
  assert.match(download.suggestedFilename(), /\.png$/)
  const content = await readFile(await download.path())
  assert.deepEqual(content.subarray(0, PNG.length), PNG)

  await page.getByRole('button', { name: 'Record', exact: true }).click()
  for (const viewer of [owner, presenter, watcher])
    // Long enough that nobody misses it when it is played.
    await viewer.page.locator('[data-recording]').getByText(/^(0:0[4-9]|0:[1-5]\d|[1-9]:\d\d)$/).waitFor()
  await explore(presenter.page, 'Capture')
  await presenter.page.getByRole('button', { name: 'Stop recording' }).click()
  for (const viewer of [owner, presenter, watcher]) await viewer.page.locator('[data-recording]').waitFor({ state: 'detached' })

  // Whoever steers may play it, and the other sees that it plays.
  await page.getByRole('button', { name: /^Play / }).first().click()
  await presenter.page.getByText('A recording plays.').waitFor()
  await presenter.page.getByText('A recording plays.').waitFor({ state: 'detached' })
  assert.deepEqual([...owner.problems, ...presenter.problems, ...watcher.problems], [])
})
