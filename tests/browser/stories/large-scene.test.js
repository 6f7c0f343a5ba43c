// A scene as large as the largest of upstream's, 50,000 properties, in a real browser: compared with a small one by what is drawn and what is sent.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { TestNode, launch, launchBrowser, person, until } from '../harness.js'
import { bar, wake } from '../rig/scene.js'

/** One message carries no more, and a list is asked for at most twice a second. */
const MESSAGE_BYTES_MAX = 256 * 1024

let browser

before(async () => {
  browser = await launchBrowser()
})

after(() => browser?.close())

/** For `addInitScript`: counts what comes over the scene's channels, and how long the page was busy at a time. */
function count() {
  const seen = (window.seen = { messages: 0, bytes: 0, largest: 0, longest: 0 })
  const Plain = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Plain {
    constructor(...options) {
      super(...options)
      this.addEventListener('datachannel', ({ channel }) =>
        channel.addEventListener('message', ({ data }) => {
          seen.messages += 1
          seen.bytes += data.length
          seen.largest = Math.max(seen.largest, data.length)
        }),
      )
    }
  }
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) seen.longest = Math.max(seen.longest, duration)
  }).observe({ entryTypes: ['longtask'] })
}

/** Opens each list, searches, switches and adjusts one thing; the answer is what it took. */
async function used(node, word, one) {
  const { page, context, problems } = await person(browser)
  await page.addInitScript(count)
  const id = await launch(page, node.url)
  await bar(page).waitFor({ state: 'attached' })
  await page.mouse.click(600, 360)
  const most = { nodes: 0 }
  const drawn = async () => {
    most.nodes = Math.max(most.nodes, await page.evaluate(() => document.querySelectorAll('*').length))
  }
  await wake(page)
  await page.getByRole('button', { name: /go somewhere else/i }).click()
  await page.getByRole('searchbox').fill(word)
  await page.getByRole('button', { name: `Fly to ${one.name}`, exact: true }).waitFor()
  await drawn()
  await page.keyboard.press('Escape')

  await wake(page)
  await page.getByRole('button', { name: 'Explore the scene' }).click()
  const panel = page.locator('[data-scene-panel]')
  await panel.getByRole('searchbox').waitFor()
  await drawn()
  await panel.getByRole('searchbox').fill(word)
  const row = panel.locator(`[data-toggle="${one.id}"]`)
  await row.waitFor()
  await drawn()
  const shown = await row.getAttribute('data-shown')
  await row.getByRole('switch').click()
  await until('the switch in the scene', async () => (await row.getAttribute('data-shown')) !== shown)

  await panel.getByRole('tab', { name: 'Adjust' }).click()
  const search = panel.getByRole('searchbox', { name: 'Search the settings' })
  await search.waitFor()
  await until('its settings', async () => (await panel.locator('[data-property], button[aria-expanded]').count()) > 0)
  await drawn()
  await search.fill(one.id)
  const setting = panel.locator(`[data-property="Scene.${one.id}.Renderable.Enabled"]`)
  await setting.waitFor()
  await drawn()
  const value = await setting.getAttribute('data-value')
  await setting.getByRole('switch').click()
  await until('the setting in the scene', async () => (await setting.getAttribute('data-value')) !== value)
  assert.deepEqual(problems, [])
  const seen = await page.evaluate(() => window.seen)
  await node.admin('DELETE', `/instances/${id}`)
  await context.close()
  return { ...seen, ...most }
}

test('a scene of 50,000 properties is searched, switched and adjusted as a small one is, and as much is sent and drawn', async () => {
  const small = await TestNode.start()
  const few = await used(small, 'mars', { id: 'Mars', name: 'Mars' }).finally(() => small.close())
  const large = await TestNode.start({ env: { OPENSPACE_DEMO_PROPERTIES: '50000' } })
  const many = await used(large, 'body 04321', { id: 'Catalogue04321', name: 'Body 04321' }).finally(() => large.close())
  console.log(`small ${JSON.stringify(few)}, large ${JSON.stringify(many)}`)
  assert.ok(many.nodes < few.nodes * 4, `${many.nodes} elements, a small scene ${few.nodes}`)
  assert.ok(many.largest <= MESSAGE_BYTES_MAX, `one message of ${many.largest} bytes`)
  assert.ok(many.messages < few.messages * 4 + 100, `${many.messages} messages, a small scene ${few.messages}`)
})
