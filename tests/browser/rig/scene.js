// People at one scene: who launches it, who is invited, and the bar that they steer it with.

import { person, until, untilPhase } from '../harness.js'

export async function launched(browser, node, options) {
  const viewer = await person(browser, options)
  await viewer.page.goto(node.url)
  await viewer.page.getByRole('button', { name: /^launch/i }).click()
  await viewer.page.waitForURL(/\/stream\//)
  await untilPhase(viewer.page, 'live')
  await bar(viewer.page).waitFor({ state: 'attached' })
  return { ...viewer, id: viewer.page.url().match(/stream\/([0-9a-f-]{36})/)[1] }
}

export async function invited(browser, node, owner, id, role) {
  const url = await owner.page.evaluate(async ([id, role]) => {
    const response = await fetch(`/api/v1/instances/${id}/invites`, {
      method: 'POST',
      headers: { authorization: `Bearer ${localStorage.session_id}`, 'content-type': 'application/json' },
      body: JSON.stringify({ role }),
    })
    return (await response.json()).url
  }, [id, role])
  const viewer = await person(browser)
  await viewer.page.goto(new URL(url, node.url).href)
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
