// People at one scene: who launches it, who is invited, and the bar that they steer it with.

import { invite, launch, person, until, untilPhase } from '../harness.js'

export async function launched(browser, node, options) {
  const viewer = await person(browser, options)
  const id = await launch(viewer.page, node.url)
  await bar(viewer.page).waitFor({ state: 'attached' })
  return { ...viewer, id }
}

export async function invited(browser, owner, id, role) {
  const viewer = await person(browser)
  await viewer.page.goto(await invite(owner.page, id, role))
  await untilPhase(viewer.page, 'live')
  await bar(viewer.page).waitFor({ state: 'attached' })
  return viewer
}

export const bar = (page) => page.locator('[data-scene-bar]')

/** The bar comes when the pointer is near the lower edge. */
export async function wake(page) {
  const { width, height } = page.viewportSize()
  await page.mouse.move(width / 2, height / 2)
  await page.mouse.move(width / 2, height - 8)
  await until('the bar', async () => (await bar(page).getAttribute('data-shown')) === 'true')
}
