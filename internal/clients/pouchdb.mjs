// PouchDB against a logctl serve: documents, bulk, queries, live changes, replication both ways, live and with retry.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import PouchDB from 'pouchdb-core'
import http from 'pouchdb-adapter-http'
import memory from 'pouchdb-adapter-memory'
import mapreduce from 'pouchdb-mapreduce'
import replication from 'pouchdb-replication'

PouchDB.plugin(http).plugin(memory).plugin(mapreduce).plugin(replication)
const { SERVER, USER, PASSWORD } = process.env
const options = { auth: { username: USER, password: PASSWORD } }
const remote = name => new PouchDB(`${SERVER}/${name}`, options)
const local = name => new PouchDB(name, { adapter: 'memory' })

// While a server is away PouchDB has promises of its own that nobody waits for; a browser would only log them.
process.on('unhandledRejection', err => {
  if (!['ECONNREFUSED', 'ECONNRESET'].includes(err.code)) throw err
})

// until asks again until answer is true.
async function until (what, answer) {
  for (let i = 0; i < 600; i++) {
    if (await answer()) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  assert.fail(`never: ${what}`)
}

async function documents () {
  const db = remote('log_documents')
  const one = await db.put({ _id: 'one', n: 1 })
  assert.match(one.rev, /^1-/)
  await assert.rejects(db.put({ _id: 'one', n: 2 }), { status: 409, name: 'conflict' })
  await db.put({ _id: 'one', _rev: one.rev, n: 2 })
  const many = await db.bulkDocs(Array.from({ length: 250 }, (_, i) => ({ _id: `d${i}`, ip: `192.0.2.${i % 10}`, n: i })))
  assert.ok(many.every(row => row.ok))
  assert.equal((await db.allDocs({ startkey: 'd', endkey: 'e', include_docs: true })).rows.length, 250)
  assert.equal((await db.info()).doc_count, 251)

  const ddoc = { _id: '_design/count', views: { ip: { map: 'function (doc) { if (doc.ip) emit(doc.ip, doc.n) }', reduce: '_sum' } } }
  await db.put(ddoc)
  const grouped = await db.query('count/ip', { group: true })
  assert.equal(grouped.rows.length, 10)
  assert.equal(grouped.rows.reduce((sum, row) => sum + row.value, 0), 249 * 250 / 2)
  const some = await db.query('count/ip', { reduce: false, key: '192.0.2.7', limit: 3, include_docs: true })
  assert.deepEqual(some.rows.map(row => row.doc.ip), ['192.0.2.7', '192.0.2.7', '192.0.2.7'])

  const doc = await db.get('d1')
  await db.remove(doc)
  await assert.rejects(db.get('d1'), { status: 404, reason: 'deleted' })
  const history = await db.get('one', { revs: true, conflicts: true })
  assert.equal(history._revisions.ids.length, 2)
}

async function liveChanges () {
  const db = remote('log_live')
  const seen = []
  const feed = db.changes({ since: 'now', live: true, include_docs: true })
  feed.on('change', change => seen.push(change.doc.n))
  await new Promise(resolve => setTimeout(resolve, 300))
  for (let n = 0; n < 20; n++) await db.post({ n })
  await until('all changes', () => seen.length === 20)
  assert.deepEqual(seen, Array.from({ length: 20 }, (_, n) => n))
  feed.cancel()
}

async function conflicts () {
  const [a, b, hub] = [local('a'), local('b'), remote('log_hub')]
  await a.put({ _id: 'x', from: 'a' })
  await b.put({ _id: 'x', from: 'b' })
  await a.replicate.to(hub)
  await b.replicate.to(hub)
  await a.replicate.from(hub)
  await b.replicate.from(hub)
  const docs = await Promise.all([a, b, hub].map(db => db.get('x', { conflicts: true })))
  assert.equal(docs[0]._conflicts.length, 1)
  assert.deepEqual(docs[1], docs[0])
  assert.deepEqual(docs[2], docs[0])
}

async function attachments () {
  const [here, there] = [local('files'), remote('log_files')]
  const text = 'all quiet\n'.repeat(100)
  const put = await there.putAttachment('files', 'dir/notes.txt', Buffer.from(text), 'text/plain')
  await there.putAttachment('files', 'pixel.png', put.rev, Buffer.from([0, 1, 2, 255]), 'image/png')
  assert.equal((await there.getAttachment('files', 'dir/notes.txt')).toString(), text)
  const doc = await there.get('files', { attachments: true, binary: true })
  assert.deepEqual([...doc._attachments['pixel.png'].data], [0, 1, 2, 255])
  assert.equal(doc._attachments['dir/notes.txt'].data.toString(), text)
  await there.put({ ...await there.get('files'), more: true }) // with stubs
  await there.removeAttachment('files', 'pixel.png', (await there.get('files'))._rev)
  assert.deepEqual(Object.keys((await there.get('files'))._attachments), ['dir/notes.txt'])

  await here.put({ _id: 'mine', _attachments: { f: { content_type: 'text/plain', data: Buffer.from('hi').toString('base64') } } })
  await here.sync(there)
  assert.equal((await here.getAttachment('files', 'dir/notes.txt')).toString(), text)
  assert.equal((await there.getAttachment('mine', 'f')).toString(), 'hi')
  assert.equal((await here.replicate.from(there)).docs_read, 0) // it goes on from its checkpoint
}

// restart has the server stop and start again at the same address.
async function restart () {
  const answer = createInterface({ input: process.stdin })
  console.log('restart')
  await once(answer, 'line')
  answer.close()
}

async function sync () {
  const [here, there] = [local('here'), remote('log_sync')]
  await here.bulkDocs(Array.from({ length: 300 }, (_, i) => ({ _id: `here${i}` })))
  await there.bulkDocs(Array.from({ length: 300 }, (_, i) => ({ _id: `there${i}` })))
  const both = here.sync(there, { live: true, retry: true, back_off_function: () => 100 })
  both.on('error', err => assert.fail(err))
  const counts = async n => (await here.info()).doc_count === n && (await there.info()).doc_count === n
  await until('600 docs on both sides', () => counts(600))
  await restart()
  await here.put({ _id: 'written while it was away' })
  await there.put({ _id: 'written there' })
  await until('602 docs on both sides', () => counts(602))
  both.cancel()
}

await documents()
await liveChanges()
await conflicts()
await attachments()
await sync()
process.exit(0)
