/**
 * Where the parent of a zone takes NOTIFY(CDS): its DSYNC record, looked for at the parent's own name servers.
 * Implements: RFC 9859 §4.1 (names that are looked up one after the other, the parent as a negative answer tells it).
 * Not here: the names and the record (dns/dsync.ts), who the parent's servers are (control/dnssec/parent.ts).
 * The records are not validated: all that follows from one is a message that says what everyone can look up.
 */
import { type IpPort } from '#base/address.ts';
import { DSYNC_SERVERS_MAX } from '#base/limits/dnssec.ts';
import {
  DSYNC_SCHEME_NOTIFY,
  type DsyncEndpoint,
  bareDsyncName,
  dsyncName,
  firstDsyncName,
  readDsync,
} from '#dns/dsync.ts';
import { type Name, equalNames, formatName } from '#dns/name.ts';
import { type Reply, rcodeName } from '#dns/reply.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { type DirectReply } from './direct-question.ts';

export interface DsyncSearch {
  readonly child: Name;
  /** The zone above, where it is known. */
  readonly parent?: Name | undefined;
  /** Its name servers. */
  readonly servers: readonly IpPort[];
  readonly ask: (server: IpPort, name: Name, type: number) => Promise<DirectReply>;
}

/** An endpoint for messages about CDS; none, and whether the parent has said that; why there is none. */
export type DsyncFound =
  | { readonly endpoint: DsyncEndpoint; readonly at: Name }
  | { readonly isNone: boolean; readonly text: string };

/** Never rejects. */
export async function findDsync(search: DsyncSearch): Promise<DsyncFound> {
  const { child } = search;
  let { parent } = search;
  let name = parent === undefined ? firstDsyncName(child) : dsyncName(child, parent);
  for (let tried: Name[] = []; name !== undefined && !tried.some((each) => equalNames(each, name!));) {
    const answer = await askAny(search, name);
    if (typeof answer === 'string') return { isNone: false, text: answer };
    if (answer.count > 0) return chosen(answer, name);
    tried = [...tried, name];
    // §4.1 step 3: where the parent is higher up, that is tried; then the name without the delegation in it.
    parent ??= answer.denier;
    if (parent === undefined) break;
    const between = dsyncName(child, parent);
    const isNew = between !== undefined && !tried.some((each) => equalNames(each, between));
    name = isNew ? between : bareDsyncName(parent);
  }
  return { isNone: true, text: 'the parent has no DSYNC record for CDS: it looks by itself, or not at all' };
}

function chosen(reply: Reply, at: Name): DsyncFound {
  // RFC 9859 §3: one for each type and scheme.
  const endpoints = reply.records.flatMap(({ rdata }) => readDsync(rdata) ?? []);
  const isForCds = ({ rrType, scheme }: DsyncEndpoint): boolean =>
    rrType === TYPE.CDS && scheme === DSYNC_SCHEME_NOTIFY;
  const endpoint = endpoints.find(isForCds);
  if (endpoint !== undefined) return { endpoint, at };
  return { isNone: true, text: `${formatName(at)} DSYNC has no endpoint that takes NOTIFY about CDS` };
}

/** The first answer with authority; or why there is none. */
async function askAny({ servers, ask }: DsyncSearch, name: Name): Promise<Reply | string> {
  let why = 'the name servers of the parent are not known';
  for (const server of servers.slice(0, DSYNC_SERVERS_MAX)) {
    const answer = await ask(server, name, TYPE.DSYNC);
    if ('failure' in answer) why = `the parent's name server ${server.ip} ${answer.failure}`;
    else if (answer.reply.rcode !== RCODE.NOERROR && answer.reply.rcode !== RCODE.NXDOMAIN)
      why = `the parent's name server ${server.ip}: ${formatName(name)} DSYNC is ${rcodeName(answer.reply.rcode)}`;
    else if (!answer.reply.isAuthoritative) why = `the parent's name server ${server.ip} answers without authority`;
    else return answer.reply;
  }
  return why;
}
