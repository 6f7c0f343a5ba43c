// A browser keeps pages that were left, to show them at once when their user comes back. What such a page held open must not be
// missing to the pages that are in use. Playwright switches that cache off, so this story drives the browser without it.

import { after, before, test } from 'node:test'

import { Chromium } from '../bench/chromium.js'
import { TestNode, until } from '../harness.js'

/** A browser opens six connections to one server at most. */
const VISITS = 9

let node
let chromium

before(async () => {
  node = await TestNode.start()
  chromium = await Chromium.launch({ width: 1280, height: 800 })
})
after(async () => {
  await chromium?.close()
  await node?.close()
})

test('the home page is ready however often its user has come and gone', async () => {
  for (let visit = 1; visit <= VISITS; visit++) {
    await chromium.go(`${node.url}/`)
    await until(`the button at visit ${visit}`, () => chromium.evaluate(`(() => {
      const button = [...document.querySelectorAll('button')].find((one) => one.textContent.trim() === 'Launch')
      return button !== undefined && !button.disabled
    })()`))
    await chromium.go('about:blank')
  }
})
