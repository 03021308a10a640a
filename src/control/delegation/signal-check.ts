/**
 * A first DS is believed when the operators of the child's name servers say the same in their own signed zones.
 * Implements: RFC 9615 §4.2 (every name server outside the child, equal records, validated).
 * Validated is what a signed zone of ours has, and what the configured resolver has validated where it is on this
 * machine: its AD bit is worth as much as the way to it (RFC 4035 §4.9.3).
 * Not here: the child's own records (child-look.ts), publishing signals (signals.ts).
 */
import { type Name, formatName, ownerKey } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { isSameSet } from '#dns/rrset.ts';
import { RCODE, TYPE, type RrType } from '#dns/types.ts';
import { type ChildAnswer } from '#dnssec/delegation/judge-child.ts';
import { signalName } from '#dnssec/delegation/signal-name.ts';
import { type StoreWriter } from '#store/writer.ts';
import { rrsetOf } from '#zone/view.ts';
import { type DirectReply } from '#control/outside/direct-question.ts';
import { homeOf } from './home.ts';

/** Undefined: the signals say what the child says; a text: why that is not sure. Never rejects. */
export type SignalCheck = (child: Name, hosts: readonly Name[], answer: ChildAnswer) => Promise<string | undefined>;

export interface SignalCheckOptions {
  readonly writer: StoreWriter;
  /** A resolver on this machine that validates; undefined: there is none. */
  readonly validated: ((name: Name, type: RrType) => Promise<DirectReply>) | undefined;
}

export function signalCheck(options: SignalCheckOptions): SignalCheck {
  return async (child, hosts, { cds, cdnskey }) => {
    const signals = hosts.map((host) => ({ host, name: signalName(child, host) }));
    const outside = signals.flatMap(({ name }) => name ?? []);
    if (outside.length === 0)
      return 'it has no DS, and no name server outside of it that could vouch for a first one (RFC 9615 §4.2)';
    for (const name of outside)
      for (const [type, wanted] of [
        [TYPE.CDS, cds.rdatas],
        [TYPE.CDNSKEY, cdnskey.rdatas],
      ] as const) {
        const found = await signalAt(name, type, options);
        if (typeof found === 'string') return `${formatName(name)} ${typeName(type)}: ${found} (RFC 9615 §4.2)`;
        if (!isSameSet(found, wanted))
          return `${formatName(name)} ${typeName(type)} is not what the child has (RFC 9615 §4.2)`;
      }
    return undefined;
  };
}

/** Validated records; or why there are none. */
async function signalAt(
  name: Name,
  type: RrType,
  options: SignalCheckOptions,
): Promise<readonly Uint8Array[] | string> {
  const own = ownRecords(name, type, options.writer);
  if (own !== undefined) return own;
  if (options.validated === undefined) return 'no resolver on this machine validates answers (mail.resolvers)';
  const answer = await options.validated(name, type);
  if ('failure' in answer) return `the resolver ${answer.failure}`;
  const { rcode, isValidated, records, count } = answer.reply;
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return 'the resolver finds nothing that validates';
  if (isValidated !== true) return 'its zone is not signed';
  return count > records.length ? 'more records than are looked at' : records.map(({ rdata }) => rdata);
}

/** What a zone of ours has there; undefined: the name is in none of them. */
function ownRecords(name: Name, type: RrType, writer: StoreWriter): readonly Uint8Array[] | string | undefined {
  const home = homeOf(writer, name);
  if (home === undefined) return undefined;
  if (home.record.dnssec === 'off') return `its zone ${home.record.name} is not signed`;
  return rrsetOf(home.view.node(ownerKey(name)), type)?.rdatas ?? [];
}
