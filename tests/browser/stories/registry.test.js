// An administrator brings a machine into a registry, moves it to another, and takes it out again, while somebody watches.

import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'

import { TestNode, framesRise, installReader, launch, launchBrowser, look, person, until, untilIs } from '../harness.js'
import { Postgres } from '../rig/postgres.js'

/** What `sequelize.sync()` and `seed.js` of the old back end leave behind, in short. */
const OLD_DATABASE = `
  CREATE TYPE "enum_servers_status" AS ENUM('active', 'inactive');
  CREATE TABLE "servers" ("server_id" UUID PRIMARY KEY, "region" VARCHAR(255), "ip_address" VARCHAR(255) NOT NULL, "port" INTEGER NOT NULL,
    "status" "enum_servers_status" DEFAULT 'active', "available_instances" INTEGER NOT NULL DEFAULT 0, "num_instances" INTEGER DEFAULT 0,
    "ram" VARCHAR(255) NOT NULL, "graphics_card" VARCHAR(255), "storage" VARCHAR(255) NOT NULL, "created" TIMESTAMPTZ NOT NULL,
    "modified" TIMESTAMPTZ NOT NULL);
  CREATE TYPE "enum_instances_status" AS ENUM('IDLE', 'INITIALIZING', 'RUNNING', 'DEINITIALIZING', 'TERMINATED');
  CREATE TABLE "instances" ("instance_id" UUID PRIMARY KEY, "session_id" UUID NOT NULL, "process_id" INTEGER NOT NULL,
    "server_id" UUID REFERENCES "servers" ("server_id") ON DELETE SET NULL ON UPDATE CASCADE,
    "status" "enum_instances_status" DEFAULT 'IDLE', "created" TIMESTAMPTZ NOT NULL, "modified" TIMESTAMPTZ NOT NULL);
  INSERT INTO servers VALUES (gen_random_uuid(), 'us-east-3', '10.0.0.9', 4699, 'active', 5, 5, '64GB', NULL, '1TB SSD', now(), now())`

let node
let browser
let postgres

before(async () => {
  ;[node, postgres, browser] = await Promise.all([
    TestNode.start({ env: { OPENSPACE_DEMO_BARCODE: '1' } }),
    Postgres.start(),
    launchBrowser(),
  ])
  for (const database of ['old', 'newer']) await postgres.sql(`CREATE DATABASE ${database}`)
  await postgres.sql(OLD_DATABASE, 'old')
  await postgres.sql('CREATE TABLE openspace_webrtc_migrations (version int); INSERT INTO openspace_webrtc_migrations VALUES (999)', 'newer')
})

after(async () => {
  await browser?.close()
  await node?.close()
  await postgres?.close()
})

async function openPanel(admin) {
  const token = (await node.command({ command: 'create_token' })).token
  await admin.page.goto(`${node.url}/admin`)
  await admin.page.getByLabel(/enter it here/i).fill(token)
  await admin.page.keyboard.press('Enter')
  await admin.page.getByRole('heading', { name: 'Other machines' }).waitFor()
}

/** Each other phase than live that the stream page has been in since. */
function followInterruptions(page) {
  return page.evaluate(() => {
    window.interruptions = []
    const note = () => {
      const { phase } = document.documentElement.dataset
      if (phase !== 'live') window.interruptions.push(phase)
    }
    new MutationObserver(note).observe(document.documentElement, { attributeFilter: ['data-phase'] })
  })
}

test('a machine joins a registry, moves, and leaves from the panel, and who watches notices nothing', async () => {
  const ann = await person(browser)
  await launch(ann.page, node.url)
  await installReader(ann.page)
  await framesRise(ann.page)
  await followInterruptions(ann.page)

  const admin = await person(browser)
  const { page } = admin
  await openPanel(admin)
  const dialog = page.getByRole('dialog')
  const says = (text) => dialog.getByText(text).waitFor()
  const fill = async (words) => {
    for (const [label, text] of Object.entries(words)) await dialog.getByLabel(label, { exact: true }).fill(text)
  }
  const tryIt = () => dialog.getByRole('button', { name: 'Try it' }).click()

  // What is wrong is said, each in its own words, and nothing has been done.
  await page.getByRole('button', { name: 'Join a registry' }).click()
  await tryIt()
  await says(/On which machine is the database/)
  await fill({ Host: 'nowhere.invalid', User: 'postgres', Password: postgres.password, Port: String(postgres.port) })
  await tryIt()
  await says(/There is no host `nowhere.invalid`/)
  await fill({ Host: '127.0.0.1', Password: 'wrong' })
  await tryIt()
  await says(/does not know the password of `postgres`/)
  await fill({ Database: 'newer', Password: postgres.password })
  await tryIt()
  await says(/set up by a newer OpenSpace WebRTC/)
  assert.equal(await dialog.getByRole('button', { name: /join/i }).count(), 0, 'it cannot be joined')
  await fill({ Database: 'openspace' })
  await dialog.getByLabel('Encryption').selectOption('require')
  await tryIt()
  await says(/speaks no TLS/)

  // A whole address is taken apart.
  await fill({ Host: `${postgres.url}?sslmode=prefer` })
  await untilIs('the host alone', () => dialog.getByLabel('Host', { exact: true }).inputValue(), '127.0.0.1')
  await tryIt()
  await says(/It has no tables of ours yet/)
  await look(page, 'registry-found')
  await dialog.getByRole('button', { name: 'Set up and join' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText(/^Connected since/).waitFor()
  await page.getByText('1 of 1 answers').waitFor()
  const row = (database) => postgres.sql(`SELECT status, num_instances > 0 FROM servers WHERE ip_address <> '10.0.0.9'`, database)
  await untilIs('its row', () => row('openspace'), 'active|t')
  await look(page, 'registry-joined')

  // To the old back end's database, with the password that the node keeps: it is adopted, and the other one is told.
  await page.getByRole('button', { name: 'Change' }).click()
  assert.equal(await dialog.getByLabel('Password', { exact: true }).inputValue(), '', 'it is not shown again')
  await fill({ Database: 'old' })
  await tryIt()
  await says(/It is the old back end's, with 1 server and 0 instances/)
  await dialog.getByRole('button', { name: 'Adopt and join' }).click()
  await dialog.waitFor({ state: 'detached' })
  await until('its row there', async () => (await row('old')) === 'active|t')
  await until('the other one knows', async () => (await row('openspace')) === 'inactive|t')
  assert.equal(await postgres.sql(`SELECT available_instances FROM servers WHERE ip_address = '10.0.0.9'`, 'old'), '5')

  // The password is in one file, for its owner only, and in nothing that anybody reads.
  const file = path.join(node.data, 'registry.json')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.ok((await readFile(file, 'utf8')).includes(postgres.password))
  const read = await Promise.all([
    node.log(),
    JSON.stringify(await node.admin('GET', '/admin/snapshot')),
    JSON.stringify(await node.admin('GET', '/admin/audit')),
    page.evaluate(() => document.documentElement.outerHTML + JSON.stringify({ ...localStorage, ...sessionStorage })),
  ])
  for (const text of read) assert.ok(!text.includes(postgres.password) && !text.includes('pass%2Fword'))

  await page.getByRole('button', { name: 'Leave' }).click()
  await look(page, 'registry-leaving')
  await page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click()
  await page.getByText('This machine stands alone.').waitFor()
  await until('the registry knows', async () => (await row('old')) === 'inactive|t')
  await until('that nothing is kept', () => stat(file).then(() => false, ({ code }) => code === 'ENOENT'))
  await look(page, 'registry-alone')

  await framesRise(ann.page)
  assert.deepEqual(await ann.page.evaluate(() => window.interruptions), [], 'who watches has noticed nothing')
  assert.deepEqual([...ann.problems, ...admin.problems], [])
  await ann.context.close()
  await admin.context.close()
})
