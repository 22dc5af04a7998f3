// @cloudant/couchbackup against a logctl serve: a backup, restored into another database, is the same docs and revisions.
import assert from 'node:assert/strict'
import { createReadStream, createWriteStream } from 'node:fs'
import couchbackup from '@cloudant/couchbackup'
import Nano from 'nano'

const { SERVER, USER, PASSWORD, DIR } = process.env
const url = new URL(SERVER)
url.username = USER
url.password = PASSWORD
const nano = Nano(url.href)
const at = name => new URL(name, url).href
const file = `${DIR}/backup`

await nano.db.create('log_from')
await nano.db.create('log_to')
const from = nano.use('log_from')
for (let batch = 0; batch < 4; batch++) {
  await from.bulk({ docs: Array.from({ length: 300 }, (_, n) => ({ batch, n, text: 'ä\u2028"\\' })) })
}
const doc = (await from.list({ limit: 1, include_docs: true })).rows[0].doc
await from.destroy(doc._id, doc._rev)

const finish = run => new Promise((resolve, reject) => run((err, result) => err ? reject(err) : resolve(result)))
await finish(done => couchbackup.backup(at('log_from'), createWriteStream(file), { logfile: `${DIR}/log`, parallelism: 2 }, done))
await finish(done => couchbackup.restore(createReadStream(file), at('log_to'), {}, done))

const all = async name => (await nano.use(name).list({ include_docs: true })).rows.map(row => row.doc)
const docs = await all('log_from')
assert.equal(docs.length, 1199)
assert.deepEqual(await all('log_to'), docs)
