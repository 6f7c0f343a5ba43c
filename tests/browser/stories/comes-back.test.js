// What crashes comes back: the program, the node, the socket. The viewer stays on the same page.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { TestNode, frame, framesRise, installReader, launch, launchBrowser, person, until, untilPhase } from '../harness.js'

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

async function watching() {
  const viewer = await person(browser)
  const id = await launch(viewer.page, node.url)
  await installReader(viewer.page)
  await framesRise(viewer.page)
  return { ...viewer, id }
}

test('kill -9 of an instance: the viewer reads “restarting”, then sees frames again at the same URL', async () => {
  const { page, context, id } = await watching()
  const url = page.url()
  const before = await node.pidOf(id)
  process.kill(before, 'SIGKILL')
  await page.getByText(/restart/i).first().waitFor()
  await untilPhase(page, 'live')
  await framesRise(page)
  assert.equal(page.url(), url)
  assert.notEqual(await node.pidOf(id), before)
  await node.admin('DELETE', `/instances/${id}`)
  await context.close()
})

test('kill -9 of the node: the instance lives on, the node adopts it, the viewer comes back by itself', async () => {
  const { page, context, id } = await watching()
  const pid = await node.pidOf(id)
  const last = (await until('a frame', () => frame(page))).frame
  await node.kill()
  process.kill(pid, 0)
  await node.up()
  const up = Date.now()
  await until('newer frames', async () => {
    const seen = await frame(page)
    return seen && seen.frame > last + 30 && (await page.evaluate(() => document.documentElement.dataset.phase)) === 'live' ? seen : undefined
  })
  console.log(`  viewer back ${Date.now() - up} ms after the node served again`)
  assert.equal(await node.pidOf(id), pid, 'the same program')
  await node.admin('DELETE', `/instances/${id}`)
  await context.close()
})
