// Every place is taken: who comes next gets a place in the queue, which survives a reload and launches by itself.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { TestNode, framesRise, installReader, launchBrowser, person, until, untilPhase } from '../harness.js'

let node
let browser

before(async () => {
  node = await TestNode.start({ sets: ['instances.slots=1'], env: { OPENSPACE_DEMO_BARCODE: '1' } })
  browser = await launchBrowser()
})

after(async () => {
  await browser?.close()
  await node?.close()
})

async function launch(page) {
  await page.goto(node.url)
  await page.getByRole('button', { name: /^launch/i }).click()
}

test('who finds every place taken waits in line, may leave it, and is launched when it is their turn', async () => {
  const first = await person(browser)
  await launch(first.page)
  await first.page.waitForURL(/\/stream\/[0-9a-f-]{36}/)
  const id = first.page.url().match(/stream\/([0-9a-f-]{36})/)[1]

  const [second, third] = [await person(browser), await person(browser)]
  await launch(second.page)
  await second.page.getByText('You are next').waitFor()
  await launch(third.page)
  const leave = third.page.getByRole('button', { name: 'Leave the queue' })
  await leave.click()
  await leave.waitFor({ state: 'detached' })

  await second.page.reload()
  await second.page.getByText('You are next').waitFor()
  await until('no second launch', () => second.page.getByRole('button', { name: /^launch/i }).isDisabled())
  await node.admin('DELETE', `/instances/${id}`)
  await second.page.waitForURL(/\/stream\/[0-9a-f-]{36}/)
  await untilPhase(second.page, 'live')
  await installReader(second.page)
  await framesRise(second.page)
  for (const one of [first, second, third]) {
    assert.deepEqual(one.problems, [])
    await one.context.close()
  }
})
