/** How long the machine has been up, and since which start: an edge. */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { type Uptime } from './counted-time.ts';

/** Linux gives each start of the machine a name; elsewhere only this process knows how long it runs. */
const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';
const bootId = readBootId();

export function readUptime(): Uptime {
  if (bootId !== undefined) return { uptimeMs: Math.floor(uptime() * 1000), bootId };
  return { uptimeMs: Math.floor(performance.now()), bootId: `process ${process.pid} ${performance.timeOrigin}` };
}

function readBootId(): string | undefined {
  try {
    return readFileSync(BOOT_ID_FILE, 'latin1').trim();
  } catch {
    return undefined;
  }
}
