// The main job in a real browser: launch, stream, steer, leave, rejoin, stop.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { TestNode, frame, framesRise, installReader, invite, launch, launchBrowser, person, phase, until, untilIs, untilPhase } from '../harness.js'
import { wakeTop } from '../rig/scene.js'

let node
let browser

before(async () => {
  node = await TestNode.start({ env: { OPENSPACE_DEMO_BARCODE: '1' } })
  browser = await launchBrowser()
})

after(async () => {
  await browser?.close()
  await node?.close()
})

/** One link for each running instance of the home page. */
const rejoin = (page) => page.getByRole('link', { name: /^rejoin/i })

async function launchFromHome(page) {
  const id = await launch(page, node.url)
  await installReader(page)
  return id
}

test('two instances are launched from the home page and both stream at once', async () => {
  const { context, page, problems } = await person(browser)
  const first = await launchFromHome(page)
  const second = await context.newPage()
  const other = await launchFromHome(second)
  assert.notEqual(first, other)
  await framesRise(page)
  await framesRise(second)

  // On a busy machine the picture may be a smaller one for a while.
  const stats = await until('figures of the whole picture', async () => {
    const stats = await page.evaluate(() => window.openspaceStream.stats())
    return stats.fps > 0 && stats.width === 1280 ? stats : undefined
  })
  assert.equal(stats.phase, 'live')
  assert.deepEqual([stats.width, stats.height], [1280, 720])
  assert.equal(stats.role, 'owner')
  assert.match(stats.codec, /h264|vp8/i)

  await page.goto(node.url)
  await until('both in the list', async () => (await rejoin(page).count()) >= 2)
  assert.deepEqual(problems, [])
  for (const id of [first, other]) await node.admin('DELETE', `/instances/${id}`)
  await context.close()
})

test('the figures name what made the picture, and a bad stream is reported to whoever looks after the machine', async () => {
  const { context, page, problems } = await person(browser)
  const id = await launchFromHome(page)
  await until('a second with a picture', () => page.evaluate(() => window.openspaceStream.stats().width > 0))
  await wakeTop(page)
  await page.getByRole('button', { name: 'Figures of the stream' }).click()
  const figures = page.getByRole('region', { name: 'Figures of the stream' })
  await figures.getByText(/x264enc|openh264|vp8enc/).waitFor()
  await figures.getByRole('button', { name: 'My stream is bad' }).click()
  await page.getByText('Thank you. The last minute is kept').waitFor()
  await figures.getByRole('button', { name: 'My stream is bad' }).click()
  await page.getByText('Your report was kept a moment ago').waitFor()

  const logs = await node.admin('GET', '/admin/logs')
  const files = logs.find((one) => one.instance_id === id).files.map((file) => file.name)
  const reports = files.filter((name) => name.startsWith('stream-report-'))
  assert.equal(reports.length, 1)
  const report = await node.admin('GET', `/admin/logs/${id}/${reports[0]}`)
  assert.equal(report.instance_id, id)
  assert.match(report.browser.user_agent, /Chrome/)
  assert.ok(report.browser.samples.some((second) => second.width > 0) && report.machine.some((second) => second.connected))
  assert.deepEqual(problems, [])
  await node.admin('DELETE', `/instances/${id}`)
  await context.close()
})

test('a click and a key change the picture, and a reload rejoins the same instance with its scene', async () => {
  const { context, page, problems } = await person(browser)
  const id = await launchFromHome(page)
  const before = (await until('a frame', () => frame(page))).input
  await page.locator('video#stream').click({ position: { x: 600, y: 400 } })
  const clicked = await until('the click', async () => {
    const seen = await frame(page)
    return seen && seen.input > before ? seen : undefined
  })
  await page.keyboard.press('ArrowRight')
  const pressed = await until('the key', async () => {
    const seen = await frame(page)
    return seen && seen.input > clicked.input ? seen : undefined
  })

  const count = pressed.frame
  await page.reload()
  await untilPhase(page, 'live')
  await installReader(page)
  const again = await until('a frame after the reload', () => frame(page))
  assert.match(page.url(), new RegExp(id))
  assert.ok(again.frame > count, 'the same program went on')
  assert.ok(again.input >= pressed.input, 'its scene is as it was left')

  await page.goto(node.url)
  await rejoin(page).first().click()
  await page.waitForURL(new RegExp(id))
  await untilPhase(page, 'live')
  assert.deepEqual(problems, [])

  const stranger = await person(browser)
  await stranger.page.goto(node.url)
  await until('the empty home page', async () => (await stranger.page.getByRole('button', { name: /^launch/i }).count()) > 0)
  assert.equal(await rejoin(stranger.page).count(), 0, 'a second browser sees no foreign instance')
  await stranger.page.goto(`${node.url}/stream/${id}`)
  await untilPhase(stranger.page, 'refused')
  await stranger.context.close()

  await node.admin('DELETE', `/instances/${id}`)
  await until('the end', async () => ['ended', 'refused'].includes(await phase(page)))
  await page.goto(node.url)
  await until('an empty list', async () => (await rejoin(page).count()) === 0)
  await context.close()
})

test('stop on the home page removes the instance', async () => {
  const { context, page } = await person(browser)
  await launchFromHome(page)
  await page.goto(node.url)
  await page.getByRole('button', { name: /^stop/i }).first().click()
  const confirm = page.getByRole('dialog').getByRole('button', { name: /stop/i })
  await confirm.click()
  await until('nothing left', async () => (await rejoin(page).count()) === 0)
  await context.close()
})

test('several viewers of one instance see the same picture from one encode', async () => {
  const owner = await person(browser)
  const id = await launchFromHome(owner.page)
  const watcher = await person(browser)
  await watcher.page.goto(await invite(owner.page, id, 'watcher'))
  await untilPhase(watcher.page, 'live')
  await installReader(watcher.page)
  await framesRise(watcher.page)
  await framesRise(owner.page)
  const viewers = async () => {
    const { instances } = await node.admin('GET', '/admin/snapshot')
    return instances.find((row) => row.instance.instance_id === id).viewers.length
  }
  await untilIs('two viewers', viewers, 2)

  const before = (await until('a frame', () => frame(watcher.page))).input
  await watcher.page.locator('video#stream').click({ position: { x: 300, y: 300 }, force: true })
  await owner.page.locator('video#stream').click({ position: { x: 300, y: 300 } })
  const seen = await until('the owner’s click', async () => {
    const seen = await frame(watcher.page)
    return seen && seen.input > before ? seen : undefined
  })
  assert.equal(seen.input, before + 1, 'the watcher’s click did not reach the program')
  await node.admin('DELETE', `/instances/${id}`)
  await owner.context.close()
  await watcher.context.close()
})
