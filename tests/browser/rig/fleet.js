// Nodes that meet in one registry and trust each other.

import { until } from '../harness.js'

/** The first founds the fleet, the others join it; `from`: those who are to know of all before this ends. */
export async function joined([founder, ...others], from) {
  await founder.command({ command: 'set_up_registry' })
  for (const node of others) {
    const { code } = await founder.command({ command: 'create_join_code' })
    await node.command({ command: 'join_fleet', code })
  }
  const count = others.length + 1
  for (const node of from) await until(`${count} machines`, async () => (await node.admin('GET', '/servers')).length === count)
}

export const serverId = async (node) => (await node.admin('GET', '/admin/snapshot')).node.server_id

/** Launches as the page does, on a machine that somebody chose. */
export function launchAt(page, server) {
  return page.evaluate(async (server_id) => {
    const headers = { authorization: `Bearer ${localStorage.session_id}`, 'content-type': 'application/json' }
    const answer = await fetch('/api/v1/instances', { method: 'POST', headers, body: JSON.stringify({ build: 'demo', server_id }) })
    if (!answer.ok) throw new Error(await answer.text())
    return (await answer.json()).instance_id
  }, server)
}
