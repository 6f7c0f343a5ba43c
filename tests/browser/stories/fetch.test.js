// The data of a build's scenes is downloaded before anybody asks: what an administrator sees of it, and what a visitor does not.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'

import { TestNode, launch, launchBrowser, look, person, until } from '../harness.js'

let node, browser, repository
/** Files are given; before that, whoever asks for one waits. */
let give = () => {}
let mood = new Promise((resolve) => (give = resolve))
let lacks = false

before(async () => {
  repository = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://127.0.0.1')
    const resource = url.searchParams.get('identifier')
    if (resource) {
      const files = ['a', 'b', 'c'].map((name) => `http://127.0.0.1:${repository.address().port}/files/${resource}-${name}.bin`)
      return response.end(files.join('\n'))
    }
    if (!url.pathname.endsWith('-a.bin')) await mood
    if (lacks && url.pathname.endsWith('-c.bin')) response.statusCode = 404
    response.end('x'.repeat(10_000))
  })
  await new Promise((resolve) => repository.listen(0, '127.0.0.1', resolve))
  const env = { OPENSPACE_DEMO_REPOSITORY: `http://127.0.0.1:${repository.address().port}/request` }
  node = await TestNode.start({ sets: ['instances.slots=2', 'standby.memory_mb=1'], env })
  browser = await launchBrowser()
})

after(async () => {
  give()
  await browser?.close()
  await node?.close()
  repository?.closeAllConnections()
  repository?.close()
})

test('an administrator has the data of a build downloaded, sees how far it is, cancels it, and reads what is missing', async () => {
  const { page, problems } = await person(browser)
  const { token } = await node.command({ command: 'create_token' })
  await page.goto(`${node.url}/admin#builds`)
  await page.getByLabel(/enter it here/i).fill(token)
  await page.keyboard.press('Enter')
  const card = page.locator('[data-build="demo"]')
  const begin = card.getByRole('button', { name: 'Fetch its data now' })
  await begin.click()
  await card.getByText(/Downloading its data: 1 of \d+ files so far/).waitFor()
  await until('that it is under way', () => begin.isDisabled())
  await look(page, 'fetching')

  // Another profile waits its turn, and is cancelled.
  await card.getByLabel('Profile of Demo sky to download').selectOption('nightsky')
  await begin.click()
  const waiting = card.locator('[data-fetch="waiting"]')
  await waiting.getByText('Waiting for its turn').waitFor()
  await waiting.getByRole('button', { name: 'Cancel' }).click()
  await card.locator('[data-fetch="cancelled"]').getByText('It was cancelled; what has come by then stays.').waitFor()

  lacks = true
  give()
  const failed = card.locator('[data-fetch="failed"]')
  await failed.getByText(/could not be downloaded \(.*-c\.bin.*Look at the network of this machine/).waitFor()
  await look(page, 'fetch-failed')

  lacks = false
  await card.getByLabel('Profile of Demo sky to download').selectOption('default')
  await begin.click()
  await card.locator('[data-fetch="done"]').getByText(/All its data is here; \d+ files were downloaded\./).waitFor()
  await look(page, 'fetched')

  const visitor = await person(browser)
  await launch(visitor.page, node.url)
  assert.deepEqual([...problems, ...visitor.problems], [])
})
