/** mailauth's SPF evaluation of a table of records: another implementation, as a judge of ours. */
import { spf as mailauthSpf } from 'mailauth/lib/spf/index.js';
import { TYPE } from '#dns/types.ts';
import { type SpfGraph } from './spf-graph.ts';
import { tableResolver } from './table-resolver.ts';

/** The result of an evaluation, and what it cost. */
export interface Account {
  readonly result: string;
  readonly lookups: number;
  readonly voids: number;
}

/** What mailauth says; `table` answers as node's resolver does, with its error codes. */
export async function askMailauth({ table, question }: SpfGraph): Promise<Account> {
  const resolver = async (domain: string, type: string): Promise<unknown> => {
    const name = Buffer.concat([
      ...domain.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]),
      Buffer.from([0]),
    ]);
    const answer = await tableResolver(table).lookup(name, TYPE[type as 'A']);
    if (answer.kind !== 'answer') {
      const code = { nodata: 'ENODATA', nxdomain: 'ENOTFOUND', servfail: 'ESERVFAIL', timeout: 'ETIMEOUT' }[answer.kind];
      throw Object.assign(new Error(code), { code });
    }
    const entry = table[domain.toLowerCase()]!;
    if (type === 'TXT') return entry.txt!.map((text) => [text]);
    if (type === 'MX') return entry.mx!.map((text) => ({ priority: Number(text.split(' ')[0]), exchange: text.split(' ')[1] }));
    return entry[type.toLowerCase() as 'a'];
  };
  const { status, lookups } = await mailauthSpf({ ...question, mta: 'mx.test', resolver } as Parameters<typeof mailauthSpf>[0]);
  return { result: status.result, lookups: lookups?.count ?? -1, voids: lookups?.void ?? -1 };
}
