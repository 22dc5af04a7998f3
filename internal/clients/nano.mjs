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
await nano.db.destroy('log_nano')
await assert.rejects(db.info(), { statusCode: 404 })
