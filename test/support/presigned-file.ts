/** A zone file that another server of ours has signed, with all its signatures. */
import { nameOf } from '#dns/name.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { allNodes } from '#zone/zone.ts';
import { good, temporaryControl } from './temporary-control.ts';

export const PRESIGNED = nameOf('pre.example.');
const TEXT = `
@ 300 SOA ns host 1 3600 600 86400 300
@ 300 NS ns
ns 300 A 192.0.2.1
*.w 60 TXT "x"
a.b.c 300 A 192.0.2.2
sub 300 NS ns.sub
ns.sub 300 A 192.0.2.3
`;

/** The signer, and its file as it is now. */
export async function signer(denial: 'nsec' | 'nsec3' = 'nsec') {
  const room = temporaryControl();
  await room.load('pre.example.', TEXT);
  if (denial === 'nsec3') good(await room.run({ kind: 'zone.denial', zone: PRESIGNED, denial }));
  return {
    room,
    file: () => {
      const view = room.writer.view(room.writer.zoneByName(PRESIGNED)!);
      return [...formatZoneFile(allNodes(view), { signed: true })].join('');
    },
    set: (name: string, text: string) => {
      const operation = { op: 'set', name, type: 'A', ttl: 60, records: [text] } as const;
      return room.run({ kind: 'rrsets.change', zone: PRESIGNED, operations: [operation] });
    },
  };
}
