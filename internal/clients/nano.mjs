// nano against a logctl serve.
import assert from 'node:assert/strict'
import Nano from 'nano'

const { SERVER, USER, PASSWORD } = process.env
const url = new URL(SERVER)
url.username = USER
url.password = PASSWORD
const nano = Nano(url.href)

await nano.db.create('log_nano')
assert.ok((await nano.db.list()).includes('log_nano'))
const db = nano.use('log_nano')
const { id, rev } = await db.insert({ happy: true }, 'rabbit')
assert.equal(id, 'rabbit')
await assert.rejects(db.insert({ happy: false }, 'rabbit'), { statusCode: 409 })
await db.insert({ _rev: rev, happy: false }, 'rabbit')
assert.equal((await db.get('rabbit')).happy, false)
const rows = await db.bulk({ docs: Array.from({ length: 100 }, (_, n) => ({ n, odd: n % 2 })) })
assert.equal(rows.length, 100)
await db.insert({ views: { odd: { map: 'function (doc) { emit(doc.odd, 1) }', reduce: '_count' } } }, '_design/count')
const odd = await db.view('count', 'odd', { group: true, startkey: 0 })
assert.deepEqual(odd.rows, [{ key: 0, value: 50 }, { key: 1, value: 50 }])
const seen = []
await new Promise((resolve, reject) => {
  db.changesReader.get({ batchSize: 30, since: 0, timeout: 500 }).on('change', c => seen.push(c.id)).on('end', resolve).on('error', reject)
})
assert.equal(new Set(seen).size, 102)
assert.equal((await db.info()).doc_count, 102)

let streamed = ''
for await (const chunk of db.listAsStream({ include_docs: true })) streamed += chunk
assert.equal(JSON.parse(streamed).rows.length, 102)
await nano.auth(USER, PASSWORD)
assert.equal((await nano.session()).userCtx.name, USER)

await db.attachment.insert('pictures', 'pic one.png', Buffer.from([1, 2, 3]), 'image/png')
assert.deepEqual([...await db.attachment.get('pictures', 'pic one.png')], [1, 2, 3])
await db.multipart.insert({ n: 5 }, [
  { name: 'a.txt', data: 'first', content_type: 'text/plain' },
  { name: 'b.bin', data: Buffer.from([0, 255]), content_type: 'application/octet-stream' }
], 'parts')
assert.equal((await db.attachment.get('parts', 'a.txt')).toString(), 'first')
assert.deepEqual([...await db.attachment.get('parts', 'b.bin')], [0, 255])

// The server replicates by itself, to a database of its own.
const done = await nano.db.replicate('log_nano', 'log_nano_copy', { create_target: true })
assert.equal(done.history[0].docs_written, 104)
assert.deepEqual([...await nano.use('log_nano_copy').attachment.get('pictures', 'pic one.png')], [1, 2, 3])
const enabled = await nano.db.replication.enable('log_nano', 'log_nano_live', { create_target: true, continuous: true })
const asked = await nano.db.replication.query(enabled.id)
await nano.db.replication.disable(enabled.id, asked._rev)
await nano.db.destroy('log_nano_copy')
await nano.db.destroy('log_nano')
await assert.rejects(db.info(), { statusCode: 404 })
