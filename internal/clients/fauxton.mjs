// Fauxton in a real browser against a logctl serve, through the door, the way a person uses it. Pictures of each page go to DIR.
import assert from 'node:assert/strict'
import puppeteer from 'puppeteer-core'

const { SERVER, USER, PASSWORD, DIR, CHROMIUM } = process.env
const basic = { Authorization: 'Basic ' + Buffer.from(`${USER}:${PASSWORD}`).toString('base64') }

// api asks the server itself, to see what a click has done.
async function api (method, path, body) {
  const headers = { ...basic, 'Content-Type': 'application/json' }
  const answer = await fetch(`${SERVER}/${path}`, { method, headers, body: body && JSON.stringify(body) })
  return answer.json()
}

await api('PUT', 'log_shop')
const days = ['2026-11-01', '2026-11-01', '2026-11-02', '2026-12-24']
const docs = days.map((date, n) => ({ _id: `sale${n}`, date, total: n + 1 }))
await api('POST', 'log_shop/_bulk_docs', { docs })

const browser = await puppeteer.launch({
  executablePath: CHROMIUM, headless: true, args: ['--no-sandbox', '--disable-gpu'], userDataDir: `${DIR}/profile`
})
const page = await browser.newPage()
await page.setViewport({ width: 1400, height: 900 })
const broken = []
page.on('response', r => { if (r.status() >= 500) broken.push(`${r.status()} ${r.request().method()} ${r.url()}`) })

let pictures = 0
const picture = () => page.screenshot({ path: `${DIR}/fauxton-${++pictures}.png` })

// go loads the app anew at a page of it, so that what it still does at the one before can't lead it elsewhere.
let loads = 0
const go = fragment => page.goto(`${SERVER}/_utils/?${++loads}${fragment}`, { waitUntil: 'networkidle0' })

// sees waits until the page shows a text.
async function sees (text) {
  try {
    await page.waitForFunction(t => document.body.innerText.includes(t), { timeout: 20000 }, text)
  } catch {
    await picture()
    assert.fail(`never shown: ${text}\n${await page.evaluate(() => document.body.innerText)}`)
  }
}

// until asks again until answer is true, for a minute.
async function until (what, answer) {
  for (const end = Date.now() + 60000; Date.now() < end;) {
    if (await answer()) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  await picture()
  assert.fail(`never: ${what}\n${await page.evaluate(() => document.body.innerText)}`)
}

// edit replaces what the n-th editor of code on the page holds.
const edit = (text, n = 0) => page.evaluate((text, n) => {
  window.ace.edit(document.querySelectorAll('.ace_editor')[n]).setValue(text)
}, text, n)

// click clicks what has that text.
async function click (selector, text) {
  await page.waitForFunction((s, t) => [...document.querySelectorAll(s)].some(e => e.innerText.includes(t)), {}, selector, text)
  await page.evaluate((s, t) => [...document.querySelectorAll(s)].find(e => e.innerText.includes(t)).click(), selector, text)
}

async function signIn () {
  await go('')
  await page.waitForSelector('#username')
  await picture()
  await page.type('#username', USER)
  await page.type('#password', PASSWORD)
  await page.click('#submit')
  await sees('log_shop')
  await picture()
}

async function editDoc () {
  await go('#/database/log_shop/_all_docs')
  await sees('sale3')
  await picture()
  await go('#/database/log_shop/sale1')
  await page.waitForSelector('.ace_content')
  const { _rev } = await api('GET', 'log_shop/sale1')
  await edit(JSON.stringify({ _id: 'sale1', _rev, date: '2026-11-01', total: 20 }))
  await click('button', 'Save Changes')
  await until('the doc saved', async () => (await api('GET', 'log_shop/sale1')).total === 20)
}

async function writeView () {
  await go('#/database/log_shop/new_view')
  await page.waitForSelector('#new-ddoc')
  await page.type('#new-ddoc', 'by')
  await page.click('#index-name', { clickCount: 3 })
  await page.type('#index-name', 'day')
  await edit('function (doc) { emit(doc.date.split("-"), doc.total) }')
  await page.evaluate(() => {
    const select = document.querySelector('#reduce-function-selector')
    Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, 'value').set.call(select, '_sum')
    select.dispatchEvent(new Event('change', { bubbles: true }))
  })
  await picture()
  await click('button', 'Create Document and then Build Index')
  await sees('sale3')
  await picture()
  const { views } = await api('GET', 'log_shop/_design/by')
  assert.equal(views.day.reduce, '_sum')
}

// ask does the next step towards running the view at that level in the panel of options, and reports whether it was the last one. The
// panel forgets what was chosen while the page still loads the view behind it, and a panel that is just closing closes again.
const ask = level => page.evaluate(level => {
  const button = text => [...document.querySelectorAll('button')].find(b => b.innerText.includes(text))
  const reduce = document.querySelector('#qoReduce')
  const select = document.querySelector('#qoGroupLevel')
  if (!reduce) {
    button('Options')?.click()
  } else if (!reduce.checked) {
    reduce.click()
  } else if (select && select.value !== level) {
    select.value = level
    select.dispatchEvent(new Event('change', { bubbles: true }))
  } else if (select) {
    button('Run Query')?.click()
    return true
  }
  return false
}, level)

// groupLevels runs the view at each level, chosen in the panel of options.
async function groupLevels () {
  const levels = { 1: ['28'], 2: ['24', '4'], 3: ['21', '3', '4'] }
  await go('#/database/log_shop/_design/by/_view/day')
  await sees('sale3')
  const shows = values => page.waitForFunction(values => {
    const rows = [...document.querySelectorAll('table tbody tr')]
    return rows.map(row => row.innerText.trim().split(/\s+/).pop()).join() === values
  }, { timeout: 5000 }, values.join()).then(() => true, () => false)
  for (const [level, values] of Object.entries(levels)) {
    await until(`group level ${level}`, async () => await ask(level) && shows(values))
    await picture()
  }
}

async function permissions () {
  await go('#/database/log_shop/permissions')
  await sees('Members')
  const input = (await page.$$('input[placeholder="Role"]')).at(-1)
  await input.type('accounting')
  await page.keyboard.press('Enter')
  await sees('accounting')
  await until('the role kept', async () => (await api('GET', 'log_shop/_security')).members?.roles?.includes('accounting'))
  await picture()
}

// replicate copies the database into a new one, by a doc of the replicator's.
async function replicate () {
  await go('#/replication/_create/log_shop')
  await page.waitForSelector('select#replication-target')
  await page.select('select#replication-target', 'REPLICATION_TARGET_NEW_LOCAL_DATABASE')
  await page.waitForSelector('.replication__new-input')
  await page.type('.replication__new-input', 'log_copy')
  for (const side of ['source', 'target']) {
    await page.select(`#select-replication-${side}-auth`, 'BASIC_AUTH')
    await page.waitForSelector(`#replication-${side}-auth-password`)
    await page.type(`#replication-${side}-auth-password`, PASSWORD)
  }
  await picture()
  await click('button', 'Start Replication')
  const from = await api('GET', 'log_shop')
  await until('the copy', async () => (await api('GET', 'log_copy')).doc_count === from.doc_count)
  await until('the job is done', async () => {
    const { docs } = await api('GET', '_scheduler/docs')
    return docs?.[0]?.state === 'completed'
  })
  await go('#/replication')
  await sees('log_copy')
  await picture()
}

try {
  await signIn()
  await editDoc()
  await writeView()
  await groupLevels()
  await permissions()
  await replicate()
  assert.deepEqual(broken, [])
} finally {
  await browser.close()
}
