// A link to a scene: it asks before it launches, then leads to where it points; favourites stay with the browser.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { TestNode, launchBrowser, person, until, untilIs, untilPhase } from '../harness.js'

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

test('a link launches after one press and arrives at its time and focus, by the viewer\'s own wishes', async () => {
  const { page, context, problems } = await person(browser)
  await page.goto(`${node.url}/launch?build=demo&profile=nightsky&focus=Mars&time=2031-05-17T20:30`)
  await page.getByRole('heading', { name: /^Launch Demo sky\?/ }).waitFor()
  for (const said of ['Mars', '2031-05-17 20:30:00 UTC']) await page.getByText(said, { exact: true }).waitFor()
  assert.deepEqual((await node.admin('GET', '/admin/snapshot')).instances, [], 'a link alone starts nothing')
  await page.getByRole('button', { name: 'Launch' }).click()
  await page.waitForURL(/\/stream\/[0-9a-f-]{36}$/)
  await untilPhase(page, 'live')
  await page.getByText(/2031/).first().waitFor()
  await page.getByText('Mars', { exact: true }).first().waitFor()
  const kept = () => page.evaluate(() => Object.keys(sessionStorage).filter((key) => key.startsWith('arrival')))
  await untilIs('that a reload does not throw the viewer back', kept, [])
  assert.deepEqual(problems, [])
  await node.admin('DELETE', `/instances/${page.url().match(/stream\/([0-9a-f-]{36})/)[1]}`)
  await context.close()
})

test('a link with bad values says so and launches nothing', async () => {
  const { page, context, problems } = await person(browser)
  await page.goto(`${node.url}/launch?build=none&time=tomorrow&focus=%5D%5D;os.exit()`)
  await page.getByText(/no build “none”/).waitFor()
  await page.getByText(/is not a time/).waitFor()
  await page.getByText(/is not the name of anything/).waitFor()
  await until('no launch', () => page.getByRole('button', { name: 'Launch' }).isDisabled())
  assert.deepEqual(problems, [])
  await context.close()
})

test('a favourite profile comes first at the next visit', async () => {
  const { page, context, problems } = await person(browser)
  await page.goto(node.url)
  await page.getByRole('combobox', { name: 'Profile' }).fill('night')
  await page.getByRole('option').first().click()
  await page.getByRole('button', { name: 'Keep as a favourite' }).click()
  await page.reload()
  await page.getByRole('combobox', { name: 'Profile' }).click()
  await until('the favourite', async () => /night/i.test(await page.getByRole('option').first().innerText()))
  await page.getByText('Favourites', { exact: true }).waitFor()
  assert.deepEqual(problems, [])
  await context.close()
})
