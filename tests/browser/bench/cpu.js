// Processor time of whole process trees, from /proc.

import { readFile, readdir } from 'node:fs/promises'

/** The unit of /proc/<pid>/stat: USER_HZ, which is 100 on every Linux that runs Chromium. */
const TICKS_PER_S = 100

/** pid, name, parent and processor seconds of one line of /proc/<pid>/stat. The name may hold spaces and brackets. */
export function parseStat(line) {
  const end = line.lastIndexOf(')')
  const fields = line.slice(end + 2).split(' ')
  return {
    pid: Number.parseInt(line, 10),
    name: line.slice(line.indexOf('(') + 1, end),
    parent: Number(fields[1]),
    seconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S,
  }
}

/**
 * Adds up each tree. `roots` is pid → name of its group; a process belongs to the nearest root above it. X servers are a group of
 * their own, whoever started them.
 */
export function bySeconds(processes, roots) {
  const byPid = new Map(processes.map((process) => [process.pid, process]))
  const sums = {}
  for (const process of processes) {
    let above = process
    while (above && !roots.has(above.pid)) above = byPid.get(above.parent)
    if (!above) continue
    const group = process.name === 'Xvfb' ? 'xvfb' : roots.get(above.pid)
    sums[group] = (sums[group] ?? 0) + process.seconds
  }
  return sums
}

/** Busy seconds of all cores together: the first line of /proc/stat but its idle and waiting times, and guests, counted twice there. */
export function parseBusy(text) {
  const [user, nice, system, , , irq, softirq] = text.split('\n')[0].trim().split(/\s+/).slice(1).map(Number)
  return (user + nice + system + irq + softirq) / TICKS_PER_S
}

/** The groups of `roots`, and `others`: what everything else on this machine used. */
export async function cpuSeconds(roots) {
  const busy = parseBusy(await readFile('/proc/stat', 'utf8'))
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)))
  const sums = bySeconds(lines.filter((line) => line !== null).map(parseStat), roots)
  const ours = Object.values(sums).reduce((sum, seconds) => sum + seconds, 0)
  return { ...sums, others: busy - ours }
}

/** What each group used between two readings, in cores. */
export function cores(before, after, seconds) {
  return Object.fromEntries(
    Object.entries(after).map(([group, used]) => [group, Math.max(0, used - (before[group] ?? 0)) / seconds]),
  )
}
