// Pages that people meet when something is amiss, over HTTPS, and on a phone.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { TestNode, framesRise, installReader, launchBrowser, person, until, untilPhase } from '../harness.js'

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

test('an unknown instance gets a page that says so and leads home', async () => {
  const { page, context } = await person(browser)
  await page.goto(`${node.url}/stream/00000000-0000-4000-8000-000000000000`)
  await untilPhase(page, 'refused')
  await page.getByText(/no such instance|not yours/i).first().waitFor()
  await page.getByRole('link', { name: /home/i }).first().click()
  await page.waitForURL(`${node.url}/`)
  const gone = await page.goto(`${node.url}/no/such/page`)
  assert.equal(gone.status(), 404)
  await context.close()
})

test('a stale session_id is replaced, and the person can launch', async () => {
  const { page, context } = await person(browser)
  await page.addInitScript(() => localStorage.getItem('seen') || (localStorage.setItem('session_id', 'A'.repeat(43)), localStorage.setItem('seen', '1')))
  await page.goto(node.url)
  await until('a new session', () => page.evaluate(() => localStorage.session_id !== 'A'.repeat(43)))
  await page.getByRole('button', { name: /^launch/i }).click()
  await page.waitForURL(/\/stream\//)
  await untilPhase(page, 'live')
  await node.admin('DELETE', `/instances/${page.url().match(/stream\/([0-9a-f-]{36})/)[1]}`)
  await context.close()
})

test('the same over HTTPS and WSS with the certificate made here, on a phone', async () => {
  const { page, context, problems } = await person(browser, { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true })
  await page.goto(`https://127.0.0.1:${node.ports.https}/`)
  await page.getByRole('button', { name: /^launch/i }).waitFor()
  await until('nothing that sticks out', () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
  await page.getByRole('button', { name: /^launch/i }).click()
  await page.waitForURL(/\/stream\//)
  await untilPhase(page, 'live')
  await installReader(page)
  await framesRise(page)
  assert.deepEqual(problems, [])
  await node.admin('DELETE', `/instances/${page.url().match(/stream\/([0-9a-f-]{36})/)[1]}`)
  await context.close()
})

test('the launch and the stream can be reached by keyboard alone', async () => {
  const { page, context } = await person(browser)
  await page.goto(node.url)
  await page.getByRole('button', { name: /^launch/i }).waitFor()
  await until('focus on Launch', async () => {
    await page.keyboard.press('Tab')
    return page.evaluate(() => /^launch/i.test(document.activeElement?.textContent ?? ''))
  })
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/stream\//)
  await untilPhase(page, 'live')
  await node.admin('DELETE', `/instances/${page.url().match(/stream\/([0-9a-f-]{36})/)[1]}`)
  await context.close()
})
