/**
 * First code of a confined process, started by launch.ts: from now on no thread of it starts a program; then its own.
 * No octet from the network has been read yet.
 * Not here: which system calls (serving-rules.ts), what was given up before (launch.ts).
 */
import { pathToFileURL } from 'node:url';
import { EXIT_CONFIGURATION } from '#base/exit.ts';
import { type NoticeLevel, writeNotice } from '#base/notice.ts';
import { type ConfinedOrder } from './launch-order.ts';

const order = JSON.parse(process.argv[2] ?? '') as ConfinedOrder;
const refusals = [...order.refusals, ...(await filter())];
if (order.confine === 'require' && refusals.length > 0) {
  const why = `process.confine is "require", and ${refusals.join('; ')}`;
  say('fatal', 'process.not-started', `the ${order.role} process does not start: ${why}`);
  process.exit(EXIT_CONFIGURATION);
}
if (order.confine === 'off') say('warn', 'process.not-confined', unconfined('process.confine is "off"'));
else if (refusals.length > 0) say('warn', 'process.not-confined', unconfined(refusals.join('; ')));
else say('info', 'process.confined', `the ${order.role} process is confined (${means()})`);
process.argv.splice(1, 2, order.entry);
await import(pathToFileURL(order.entry).href);

function say(level: NoticeLevel, event: string, message: string): void {
  writeNotice(order.log, { level, process: order.role, event, message });
}

function means(): string {
  return `Landlock ABI ${order.landlock}, filter of system calls`;
}

function unconfined(why: string): string {
  const danger = order.hasOwnUser
    ? 'only its user keeps code that took it over from the keys'
    : 'code that took it over could read the key-encryption key, write the store and use admin.sock';
  return `the ${order.role} process is not confined (${why}): ${danger} (SECURITY.md)`;
}

async function filter(): Promise<readonly string[]> {
  if (order.confine === 'off') return [];
  try {
    const { loadKernel } = await import('./kernel.ts');
    const { filterSelf } = await import('./filter.ts');
    const { SERVING_RULES } = await import('./serving-rules.ts');
    filterSelf(loadKernel(), SERVING_RULES);
    return [];
  } catch (error) {
    return [`no filter of system calls: ${error instanceof Error ? error.message.split('\n')[0]! : String(error)}`];
  }
}
