// Networks by name, from the table that the simulations of `streaming` read too.

import { readFileSync } from 'node:fs'

export const PROFILES = JSON.parse(readFileSync(new URL('../../networks.json', import.meta.url), 'utf8')).networks
