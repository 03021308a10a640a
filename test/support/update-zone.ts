/** The zone a.test of tests about UPDATE, and lines of update-client.ts as the records that are read from their message. */
import { newQueryHead, parseQuery } from '#dns/message.ts';
import { nameOf } from '#dns/name.ts';
import { parseZoneFile } from '#dns/zone-file.ts';
import { type UpdateMessage, readUpdate } from '#zone/update/message.ts';
import { assembleRrsets } from '#zone/assemble.ts';
import { type MemoryZone, memoryZone } from '#zone/zone.ts';
import { type UpdateParts, updateMessage } from './update-client.ts';

export const UPDATE_ZONE = 'a.test.';
export const UPDATE_ZONE_TEXT = `
@ 3600 SOA ns1 host 10 7200 900 1209600 300
@ 3600 NS ns1
@ 3600 NS ns2
@ 3600 MX 10 mx1
ns1 3600 A 192.0.2.1
ns2 3600 A 192.0.2.2
mx1 3600 A 192.0.2.25
www 300 A 192.0.2.80
www 300 A 192.0.2.81
www 300 TXT "one"
alias 300 CNAME www
x.empty 300 TXT "below"
*.wild 300 A 192.0.2.90
`;

export function updateTestZone(text = UPDATE_ZONE_TEXT): MemoryZone {
  const apex = nameOf(UPDATE_ZONE);
  const { records } = parseZoneFile(text, { origin: apex, file: 'zone' });
  return memoryZone(apex, assembleRrsets(apex, records).rrsets);
}

export function readLines(lines: string | UpdateParts): UpdateMessage {
  const message = updateMessage(UPDATE_ZONE, lines);
  const head = newQueryHead();
  parseQuery(message, message.length, head);
  const read = readUpdate(message, message.length, head);
  if (read === undefined) throw new Error('the message is malformed');
  return read;
}
