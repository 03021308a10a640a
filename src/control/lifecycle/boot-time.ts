/** How long the machine has been up, and since which start: an edge. */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { UPTIME_STEP_MS } from '#base/limits/lifecycle.ts';
import { type Uptime } from './counted-time.ts';

/** Linux gives each start of the machine a name; elsewhere only this process knows how long it runs. */
const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';
const bootId = readBootId();

/** The system tells it in hundredths of a second, out of a file: no need to ask more often. */
const last = { askedMs: -Infinity, uptimeMs: 0 };

export function readUptime(): Uptime {
  const nowMs = performance.now();
  if (bootId !== undefined) {
    if (nowMs - last.askedMs >= UPTIME_STEP_MS) [last.askedMs, last.uptimeMs] = [nowMs, Math.floor(uptime() * 1000)];
    return { uptimeMs: last.uptimeMs, bootId };
  }
  return { uptimeMs: Math.floor(nowMs), bootId: `process ${process.pid} ${performance.timeOrigin}` };
}

function readBootId(): string | undefined {
  try {
    return readFileSync(BOOT_ID_FILE, 'latin1').trim();
  } catch {
    return undefined;
  }
}
