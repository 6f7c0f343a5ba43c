// The time of an instance comes to its end: the page warns, "Stay" keeps it, and what ends can be gone on with.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { TestNode, launch, launchBrowser, look, person, until, untilPhase } from '../harness.js'
import { wake } from '../rig/scene.js'

let node
let browser

before(async () => {
  node = await TestNode.start({ sets: ['life.unmoved_s=22', 'life.warning_s=18'] })
  browser = await launchBrowser()
})

after(async () => {
  await browser?.close()
  await node?.close()
})

test('a stream in which nobody moves anything warns, stays when asked to, ends, and is gone on with', async () => {
  const { page, problems, context } = await person(browser)
  await launch(page, node.url)
  await wake(page)
  await page.getByRole('button', { name: 'Explore the scene' }).click()
  const words = page.getByText('Nobody has moved anything for a while.')
  await words.waitFor()
  assert.match(await page.getByRole('timer').textContent(), /It ends in 0:[01]\d\./)
  await apart(page)
  await look(page, 'warning')
  await page.getByRole('button', { name: 'Stay' }).click()
  await words.waitFor({ state: 'detached' })
  await untilPhase(page, 'live')

  await words.waitFor()
  await untilPhase(page, 'ended')
  await page.getByText('ended because nobody had moved anything for a while.').waitFor()
  await look(page, 'ended')
  await page.getByRole('link', { name: 'Go to the home page' }).click()
  await page.getByRole('button', { name: /continue/i }).first().click()
  await page.waitForURL(/\/stream\/[0-9a-f-]{36}/)
  await untilPhase(page, 'live')
  assert.deepEqual(problems, [])
  await context.close()
})

/** What is explored and the warning are beside each other. */
async function apart(page) {
  const panel = page.locator('[data-scene-panel]')
  await until('one beside the other', async () => {
    const [left, right] = await Promise.all([page.locator('[data-ending]').boundingBox(), panel.boundingBox()])
    if (left.x >= 0 && left.x + left.width <= right.x) return true
    throw new Error(`${JSON.stringify(left)} reaches under ${JSON.stringify(right)}`)
  })
}

test('a machine that is emptied from the panel says so on the home page, and takes launches again', async () => {
  const admin = await person(browser)
  const token = (await node.command({ command: 'create_token' })).token
  await admin.page.goto(`${node.url}/admin`)
  await admin.page.getByLabel(/enter it here/i).fill(token)
  await admin.page.keyboard.press('Enter')
  await admin.page.getByRole('button', { name: 'Empty it' }).click()
  await admin.page.getByText('This machine is being emptied:').waitFor()
  await look(admin.page, 'panel')

  const visitor = await person(browser)
  await visitor.page.goto(node.url)
  await visitor.page.getByText('This machine is taken out of service for a while.').waitFor()
  await until('no launch', () => visitor.page.getByRole('button', { name: /^launch/i }).isDisabled())
  await look(visitor.page, 'home')

  await admin.page.getByRole('button', { name: 'Take launches again' }).first().click()
  await admin.page.getByText('This machine is being emptied:').waitFor({ state: 'detached' })
  await visitor.page.reload()
  await until('a launch', () => visitor.page.getByRole('button', { name: /^launch/i }).isEnabled())
  assert.deepEqual([...admin.problems, ...visitor.problems], [])
  await admin.context.close()
  await visitor.context.close()
})
