// The stream page in Firefox: a picture that moves, with numbers that can be read.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { Firefox, missing } from '../firefox.js'
import { TestNode, frame, framesRise, installReader, until, untilPhase } from '../harness.js'

let node
let firefox

before(async () => {
  if (missing) return
  node = await TestNode.start({ env: { OPENSPACE_DEMO_BARCODE: '1' } })
  firefox = await Firefox.launch()
})

after(async () => {
  await firefox?.close()
  await node?.close()
})

test('Firefox shows the stream in a codec that it has, and its click arrives', { skip: missing }, async (story) => {
  await firefox.goto(node.url)
  await until('the button', () =>
    firefox.evaluate(() => {
      const button = [...document.querySelectorAll('button')].find((one) => /^launch/i.test(one.textContent.trim()) && !one.disabled)
      button?.click()
      return button !== undefined
    }),
  )
  await until('the stream page', () => firefox.evaluate(() => /\/stream\/[0-9a-f-]{36}/.test(location.pathname)))
  await untilPhase(firefox, 'live')
  await installReader(firefox)
  const { later } = await framesRise(firefox)
  const stats = await until('figures', async () => {
    const stats = await firefox.evaluate(() => window.openspaceStream.stats())
    return stats.fps > 0 && stats.codec ? stats : undefined
  })
  story.diagnostic(`in ${stats.codec}`)
  assert.match(stats.codec, /h264|vp8/i)
  assert.equal(stats.role, 'owner')

  const { value } = await firefox.ask('WebDriver:FindElement', { using: 'css selector', value: 'video#stream' })
  const [id] = Object.values(value)
  await firefox.ask('WebDriver:ElementClick', { id })
  await until('the click', async () => (await frame(firefox))?.input > later.input)
})
