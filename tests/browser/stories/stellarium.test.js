// A planetarium that nobody here wrote: Debian's Stellarium, registered as a program.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { TestNode, launchBrowser, launchBuild, person, picture, until, untilPhase } from '../harness.js'

test('Stellarium shows a non-black, changing picture', async () => {
  const node = await TestNode.start({ sets: ['instances.fps=15'] })
  const browser = await launchBrowser()
  try {
    const home = `${node.data}/home`
    const { build } = await node.command({
      command: 'add_program',
      name: 'Stellarium',
      run: ['stellarium', '--full-screen', 'no', '--screenshot-dir', node.data],
      env: { HOME: home, XDG_CONFIG_HOME: `${home}/.config`, LIBGL_ALWAYS_SOFTWARE: '1' },
    })
    const { page } = await person(browser)
    await launchBuild(page, node.url, build.id)
    await untilPhase(page, 'live', 150_000)
    const bright = (pixels) => pixels.filter((value, i) => i % 4 !== 3 && value > 24).length
    const first = await until('a picture that is not black', async () => {
      const seen = await picture(page)
      return seen && bright(seen) > 200 ? seen : undefined
    }, 120_000)
    // The sky turns under a hand that drags it.
    const box = await page.locator('video#stream').boundingBox()
    await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.4)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.7, box.y + box.height * 0.5, { steps: 12 })
    await page.mouse.up()
    const changed = await until('another picture', async () => {
      const seen = await picture(page)
      const far = seen?.filter((value, i) => Math.abs(value - first[i]) > 24).length
      return far > 100 ? far : undefined
    }, 120_000)
    assert.ok(changed > 100)
  } finally {
    await browser.close()
    await node.close()
  }
})
