/**
 * First code of a confined process, started by launch.ts: from now on no thread of it starts a program; then its own.
 * No octet from the network has been read yet.
 * Not here: which system calls (serving-rules.ts), what was given up before (launch.ts).
 */
import { pathToFileURL } from 'node:url';
import { EXIT_CONFIGURATION } from '#base/exit.ts';
import { type LogEvent } from '#base/log/events.ts';
import { type NoticeLevel, writeNotice } from './notice.ts';
import { isLoadedOnly } from '#base/sibling.ts';
import { firstLineOf } from '#base/visible.ts';
import { type ConfinedOrder } from './launch-order.ts';

if (!isLoadedOnly()) await start(JSON.parse(process.argv[2] ?? '') as ConfinedOrder);

async function start(order: ConfinedOrder): Promise<void> {
  const { role, entry, confine } = order;
  const say = (level: NoticeLevel, event: LogEvent, message: string) => {
    writeNotice(order.log, { level, process: role, event, message });
  };
  const refusals = [...order.refusals, ...(await filter(order))];
  if (confine === 'require' && refusals.length > 0) {
    const why = `process.confine is "require", and ${refusals.join('; ')}`;
    say('fatal', 'process.not-started', `the ${role} process does not start: ${why}`);
    process.exit(EXIT_CONFIGURATION);
  }
  const means = `Landlock ABI ${order.landlock}, filter of system calls`;
  if (confine === 'off') say('warn', 'process.not-confined', unconfined(order, 'process.confine is "off"'));
  else if (refusals.length > 0) say('warn', 'process.not-confined', unconfined(order, refusals.join('; ')));
  else say('info', 'process.confined', `the ${role} process is confined (${means})`);
  process.argv.splice(1, 2, entry);
  await import(pathToFileURL(entry).href);
}

function unconfined({ role, hasOwnUser }: ConfinedOrder, why: string): string {
  const danger = hasOwnUser
    ? 'only its user keeps code that took it over from the keys'
    : 'code that took it over could read the key-encryption key, write the store and use admin.sock';
  return `the ${role} process is not confined (${why}): ${danger} (SECURITY.md)`;
}

async function filter({ confine }: ConfinedOrder): Promise<readonly string[]> {
  if (confine === 'off') return [];
  try {
    const { loadKernel } = await import('./kernel.ts');
    const { filterSelf } = await import('./filter.ts');
    const { SERVING_RULES } = await import('./serving-rules.ts');
    filterSelf(loadKernel(), SERVING_RULES);
    return [];
  } catch (error) {
    return [`no filter of system calls: ${firstLineOf(error)}`];
  }
}
