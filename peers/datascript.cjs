// DataScript through its JavaScript interface: a question a line, an answer a line. Keywords of data are texts here.
'use strict'
const datascript = require(require.resolve('datascript', { paths: [process.argv[2]] }))
const lines = require('readline').createInterface({ input: process.stdin, terminal: false })
let db = datascript.empty_db()

function answer(line) {
  if (line.world) {
    db = datascript.empty_db(line.world.schema)
    for (const transaction of line.world.transactions) db = datascript.db_with(db, transaction)
    return true
  }
  if (line.pull) return datascript.pull(db, line.pull, line.entity)
  const rules = line.rules ? [line.rules] : []
  return datascript.q(line.query, db, ...rules, ...line.inputs)
}

lines.on('line', (text) => {
  let reply
  try {
    const json = answer(JSON.parse(text))
    reply = JSON.stringify({ json: json === undefined ? null : json })
  } catch (error) {
    reply = JSON.stringify({ error: String(error && error.message ? error.message : error) })
  }
  process.stdout.write(reply + '\n')
})
