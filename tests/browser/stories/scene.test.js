// Time and place of the scene, steered from the page and followed by everybody who watches.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { TestNode, launchBrowser, until, untilPhase } from '../harness.js'
import { bar, invited, launched, stir, wake } from '../rig/scene.js'

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

/** What the bar says; not what was wished. */
const told = (page) =>
  bar(page).evaluate((bar) => ({
    time: bar.querySelector('time').dateTime,
    paused: bar.dataset.paused === 'true',
    rate: Number(bar.querySelector('[data-rate]').dataset.rate),
    focus: bar.querySelector('[data-focus]').dataset.focus,
  }))

const untilTold = (page, what, fits) => until(what, async () => fits(await told(page)))

test('a person searches Mars, flies there, pauses, and jumps to a date; a watcher sees it all and changes nothing', async () => {
  const owner = await launched(browser, node)
  const { page, id } = owner
  const watcher = await invited(browser, owner, id, 'watcher')
  const both = [page, watcher.page]
  assert.notEqual((await told(page)).focus, 'Mars')

  await wake(page)
  await page.getByRole('button', { name: /^looking at .* go somewhere else/i }).click()
  await page.getByRole('searchbox').fill('mars')
  await page.getByRole('button', { name: 'Fly to Mars', exact: true }).click()
  for (const one of both) await untilTold(one, 'Mars', ({ focus }) => focus === 'Mars')
  await until('its name', async () => (await page.getByRole('button', { name: /^looking at mars\b/i }).count()) > 0)

  await wake(page)
  await page.getByRole('button', { name: 'Pause time' }).click()
  for (const one of both) await untilTold(one, 'the pause', ({ paused }) => paused)

  await wake(page)
  await page.getByRole('button', { name: /jump to another date/i }).click()
  await page.getByLabel('Date', { exact: true }).fill('1969-07-20')
  await page.getByLabel('Time (UTC)').fill('20:17')
  await page.getByRole('button', { name: 'Jump', exact: true }).click()
  for (const one of both) await untilTold(one, 'the landing', ({ time }) => time.startsWith('1969-07-20T20:17:00'))
  await page.getByText('20 Jul 1969').waitFor()

  // The watcher reads why not, and a wish that is sent all the same is refused by the node.
  await watcher.page.getByText(/another viewer steers.*ask for control|you are watching.*ask for control/i).first().waitFor({ state: 'attached' })
  await until('a pause that is not theirs to end', () => watcher.page.getByRole('button', { name: 'Let time pass' }).isDisabled())
  const refused = await watcher.page.evaluate(() =>
    window.openspaceStream.wish({ name: 'pause', args: { paused: false } }).then(String, (error) => error.message),
  )
  assert.match(refused, /^Your link is for watching\..*$/)
  assert.ok((await told(page)).paused, 'time still stands')

  await wake(page)
  await page.getByRole('button', { name: 'Let time pass' }).click()
  for (const one of both) await untilTold(one, 'time passing', ({ paused, time }) => !paused && time > '1969-07-20T20:17:00')
  const before = (await told(page)).rate
  await wake(page)
  await page.getByRole('button', { name: 'Faster' }).click()
  for (const one of both) await untilTold(one, 'a faster time', ({ rate }) => rate > before)
  assert.deepEqual([...owner.problems, ...watcher.problems], [])

  await node.admin('DELETE', `/instances/${id}`)
  await owner.context.close()
  await watcher.context.close()
})

test('whoever may steer, but does not, waits for the wheel; a wish that cannot be is answered with a sentence', async () => {
  const owner = await launched(browser, node)
  const { page, id } = owner
  await page.locator('video#stream').click({ position: { x: 600, y: 400 } })
  const pilot = await invited(browser, owner, id, 'pilot')
  await until('the owner at the wheel', async () => (await pilot.page.locator('[data-control="other"]').count()) > 0)
  await until('controls that are off', () => pilot.page.getByRole('button', { name: 'Pause time' }).isDisabled())
  const wish = (page, wish) => page.evaluate((wish) => window.openspaceStream.wish(wish).then(() => null, (error) => error.message), wish)
  assert.match(await wish(pilot.page, { name: 'pause', args: { paused: true } }), /control|steer/i)
  assert.match(await wish(page, { name: 'fly_to', args: { node: 'Vulcan' } }), /“Vulcan” is not in this scene/)
  assert.match(await wish(page, { name: 'set_time', args: { time: '9999-01-01' } }), /between 1550 and 2649/)

  // Refusals of what is pressed are shown.
  await wake(page)
  await page.getByRole('button', { name: /jump to another date/i }).click()
  await page.getByLabel('Date', { exact: true }).fill('9999-01-01')
  await page.getByRole('button', { name: 'Jump', exact: true }).click()
  await page.getByRole('alert').getByText(/between 1550 and 2649/).waitFor()

  // The wheel goes over, and with it the bar.
  await page.locator('[data-control="mine"]').waitFor({ state: 'attached' })
  await page.evaluate(() => document.querySelector('[data-control="mine"]').click())
  await page.getByRole('menuitem', { name: /let go of control/i }).click()
  await until('a free bar', () => pilot.page.getByRole('button', { name: 'Pause time' }).isEnabled())
  await wake(pilot.page)
  await pilot.page.getByRole('button', { name: 'Pause time' }).click()
  for (const one of [page, pilot.page]) await untilTold(one, 'the pause', ({ paused }) => paused)
  await until('the pilot at the wheel', async () => (await pilot.page.locator('[data-control="mine"]').count()) > 0)

  await node.admin('DELETE', `/instances/${id}`)
  await owner.context.close()
  await pilot.context.close()
})

test('the bar goes away by itself and leaves the whole picture to the pointer; actions are in the help', async () => {
  const { page, context, id } = await launched(browser, node)
  await page.mouse.move(600, 400)
  await until('the bar is away', async () => (await bar(page).getAttribute('data-shown')) === 'false')
  await until('the picture under the pointer', () =>
    page.evaluate(() =>
      [0.1, 0.5, 0.9].every((x) => document.elementFromPoint(innerWidth * x, innerHeight - 6)?.closest('#stage')),
    ),
  )

  // The keyboard finds it all the same: out of the picture, then from one to the next.
  await page.keyboard.press('Control+Alt+KeyH')
  const pause = page.getByRole('button', { name: 'Pause time' })
  await until('the keyboard on the pause', async () => {
    await page.keyboard.press('Tab')
    return pause.evaluate((button) => button === document.activeElement)
  })
  await until('the bar for the keyboard', () => pause.evaluate((button) => button.getBoundingClientRect().bottom <= innerHeight))
  await page.keyboard.press('Enter')
  await untilTold(page, 'the pause', ({ paused }) => paused)

  await page.evaluate(() => document.querySelector('[aria-label="Help and keys"]').click())
  const dialog = page.getByRole('dialog', { name: 'Help' })
  const fly = dialog.getByRole('button', { name: /^do it: .*mars/i }).first()
  await fly.click()
  await untilTold(page, 'Mars', ({ focus }) => focus === 'Mars')

  await node.admin('DELETE', `/instances/${id}`)
  await context.close()
})

test('the bar goes with a program that crashes and comes back with the next', async () => {
  const { page, context, id } = await launched(browser, node)
  process.kill(await node.pidOf(id), 'SIGKILL')
  await bar(page).waitFor({ state: 'detached' })
  await untilPhase(page, 'live')
  await bar(page).waitFor({ state: 'attached' })
  const { time } = await told(page)
  await untilTold(page, 'a later time', (scene) => scene.time > time)
  await node.admin('DELETE', `/instances/${id}`)
  await context.close()
})

test('on a phone the bar fits and is reached by a finger', async () => {
  const { page, context, id, problems } = await launched(browser, node, { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true })
  await until('the bar is away', async () => (await bar(page).getAttribute('data-shown')) === 'false')
  await page.getByRole('button', { name: 'Show time and place' }).tap()
  await until('the bar', async () => (await bar(page).getAttribute('data-shown')) === 'true')
  await stir(page, '[data-scene-bar]')
  await page.getByRole('button', { name: 'Pause time' }).tap()
  await untilTold(page, 'the pause', ({ paused }) => paused)
  await until('nothing that sticks out', () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
  assert.deepEqual(problems, [])
  await node.admin('DELETE', `/instances/${id}`)
  await context.close()
})
