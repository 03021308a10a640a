/**
 * Entry of the policy host, started by the supervisor: `entry.ts json|text`. All it does is in service.ts.
 */
import { randomBytes } from 'node:crypto';
import { logCrashes } from '#base/exit.ts';
import { createLog } from '#base/log.ts';
import { runPolicyHost } from './service.ts';

process.title = 'waxseal policy-host';
const format = process.argv[2] === 'text' ? 'text' : 'json';
const log = createLog({ level: 'info', format, fields: { process: 'policy-host' } });
if (format === 'json') logCrashes(process, (how, event, message, fields) => log[how](event, message, fields));
runPolicyHost({
  own: process,
  log,
  random: (bytes) => new Uint8Array(randomBytes(bytes)),
});
