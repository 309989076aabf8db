// mqtt.js as a witness. `echo`: publishes messages and waits until each came back, in order. `listen`: a persistent session; says what
// it is given. Ends with 3 when mqtt.js is not installed, with 1 and a word when something else goes wrong.
'use strict'

const { parseArgs } = require('node:util')

let mqtt
try {
  mqtt = require('mqtt')
} catch {
  console.log('mqtt.js is not installed')
  process.exit(3)
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string' },
    version: { type: 'string' },
    id: { type: 'string' },
    filter: { type: 'string' },
    qos: { type: 'string', default: '1' },
    count: { type: 'string', default: '50' },
  },
})
const qos = Number(options.qos)
const count = Number(options.count)

function fail(text) {
  console.log(text)
  process.exit(1)
}

function connect(clean) {
  const client = mqtt.connect(options.url, {
    clientId: options.id,
    clean,
    protocolVersion: options.version === '5' ? 5 : 4,
    properties: options.version === '5' && !clean ? { sessionExpiryInterval: 3600 } : undefined,
    reconnectPeriod: 0,
    connectTimeout: 10000,
  })
  client.on('error', (fault) => fail(`error: ${fault.message}`))
  return client
}

function subscribe(client, then) {
  client.subscribe(options.filter, { qos }, (fault, granted) => {
    if (fault) {
      fail(`subscribe: ${fault.message}`)
    }
    console.log(`subscribed ${granted.map((g) => g.qos).join(' ')}`)
    then?.()
  })
}

// What is compared is everything a subscriber is told: payload, quality, no repeats.
function echo() {
  const client = connect(true)
  const received = []
  let acknowledged = 0
  let isSubscribed = false
  const payload = (n) => `message ${n} ${'x'.repeat(n === 1 ? 200000 : 10)}`
  const check = () => {
    if (received.length < count || acknowledged < count) {
      return
    }
    for (let n = 0; n < count; n++) {
      if (received[n].text !== payload(n)) {
        fail(`place ${n}: another message than was sent, or another order`)
      }
      if (received[n].qos !== qos) {
        fail(`message ${n}: quality ${received[n].qos}`)
      }
    }
    client.end(false, () => {
      console.log(`echo ${received.length}`)
      process.exit(0)
    })
  }
  client.on('connect', () => {
    if (isSubscribed) {
      fail('connected twice')
    }
    isSubscribed = true
    subscribe(client, () => {
      for (let n = 0; n < count; n++) {
        client.publish(options.filter, payload(n), { qos }, (fault) => {
          if (fault) {
            fail(`publish: ${fault.message}`)
          }
          acknowledged++
          check()
        })
      }
    })
  })
  client.on('message', (topic, message, packet) => {
    received.push({ text: message.toString(), qos: packet.qos })
    check()
  })
  client.on('close', () => {
    if (received.length < count) {
      fail(`closed: ${received.length} of ${count} came back, ${acknowledged} acknowledged`)
    }
  })
  setTimeout(() => fail(`${received.length} of ${count} came back, ${acknowledged} acknowledged`), 20000)
}

function listen() {
  const client = connect(false)
  client.on('connect', (connack) => {
    console.log(`connected, session present ${connack.sessionPresent}`)
    subscribe(client)
  })
  client.on('message', (topic, message) => console.log(`got ${topic} ${message}`))
  client.on('close', () => {
    console.log('closed')
    process.exit(0)
  })
}

if (positionals[0] === 'echo') {
  echo()
} else if (positionals[0] === 'listen') {
  listen()
} else {
  fail('usage: mqttjs_client.js echo|listen --url U --version 311|5 --id I --filter F [--qos Q] [--count N]')
}
