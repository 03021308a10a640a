/**
 * Entry of the policy host, started by the supervisor: `entry.ts json|text`. All it does is in service.ts.
 */
import { randomBytes } from 'node:crypto';
import { createLog } from '#base/log.ts';
import { runPolicyHost } from './service.ts';

process.title = 'waxseal policy-host';
const format = process.argv[2] === 'text' ? 'text' : 'json';
runPolicyHost({
  own: process,
  log: createLog({ level: 'info', format, fields: { process: 'policy-host' } }),
  random: (bytes) => new Uint8Array(randomBytes(bytes)),
});
