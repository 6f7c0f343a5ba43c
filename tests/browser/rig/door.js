// A door before the node's HTTP port that can be shut: every connection through it breaks, and no new one is let in.

import { connect, createServer } from 'node:net'

export class Door {
  static async before(port) {
    const door = new Door(port)
    await new Promise((resolve) => door.server.listen(0, '127.0.0.1', resolve))
    door.url = `http://127.0.0.1:${door.server.address().port}`
    return door
  }

  constructor(port) {
    this.open = new Set()
    this.isShut = false
    this.server = createServer((outside) => {
      if (this.isShut) return outside.destroy()
      const inside = connect(port, '127.0.0.1')
      for (const [one, other] of [[outside, inside], [inside, outside]]) {
        this.open.add(one)
        one.pipe(other)
        one.on('error', () => {})
        one.on('close', () => {
          this.open.delete(one)
          other.destroy()
        })
      }
    })
  }

  shut(isShut) {
    this.isShut = isShut
    if (isShut) for (const one of this.open) one.destroy()
  }

  close() {
    this.shut(true)
    this.server.close()
  }
}
