// The barcode's reader and what uses it, as one classic script for the page.

import { readFile } from 'node:fs/promises'

export async function inPage() {
  const [reader, watcher] = await Promise.all(
    ['../barcode.js', 'inpage.js'].map((file) => readFile(new URL(file, import.meta.url), 'utf8')),
  )
  return `{ const { readBarcode } = (() => { ${reader.replace(/^export /gm, '')}\nreturn { readBarcode } })()\n${watcher} }`
}
