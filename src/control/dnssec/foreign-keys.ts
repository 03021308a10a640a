/**
 * DNSKEY records of others who sign the zone too, each with its own keys: they stand in our DNSKEY RRset, which our
 * keys sign, and nothing here is signed with them.
 * Implements: RFC 8901 §2.1.2 (model 2), §4 (one set of algorithms), §6 (how a signer comes and goes).
 * Not here: reading DNSKEY records (dnssec/key-files/key-import.ts), what is made of them (control/signing/prepare.ts).
 */
import { type Clock } from '#base/clock.ts';
import { atZone, below, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { isEntryPoint } from '#dnssec/ds.ts';
import { dnskeyProblem, foreignKeyProblems, readDnskeys } from '#dnssec/key-files/key-import.ts';
import { keyTagOf } from '#dnssec/key.ts';
import { type Name, formatName } from '#dns/name.ts';
import { type ForeignKeyRef, type ZoneRecord } from '#store/schema.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type CommandOf, type ServedZone } from '#control/commands/table.ts';
import { type DnssecSteps } from './steps.ts';

export interface ForeignKeyOptions {
  readonly steps: DnssecSteps;
  readonly clock: Clock;
  /** Something may have become due. */
  readonly onDue: () => void;
}

export function changeForeignKeys(
  command: CommandOf<'dnssec.foreign'>,
  { record, view }: ServedZone,
  options: ForeignKeyOptions,
): Result<Decision> {
  const { name } = record;
  const against = standsAgainst(command, record);
  if (against !== undefined) return fail(against);
  const added = readForeign(command, record, view.apex, options.clock.nowMs());
  if (!added.ok) return added;
  const before = record.foreignKeys ?? [];
  const missing = command.remove.filter((tag) => before.every(({ keyTag }) => keyTag !== tag));
  if (missing.length > 0)
    return fail(
      problem('DNSSEC_KEY_SET', inBody('/remove'), `${name} publishes no key ${missing.join(', ')} of others`, {
        fix:
          before.length === 0 ? 'it publishes none' : `it publishes ${before.map(({ keyTag }) => keyTag).join(', ')}`,
      }),
    );
  const isNamed = (dnskey: string) => added.value.some((each) => each.dnskey === dnskey);
  const kept = before.filter(({ keyTag, dnskey }) => !command.remove.includes(keyTag) && !isNamed(dnskey));
  const foreign = [...kept, ...added.value];
  const own = record.keys.map(dnskeyOfRef);
  const { pastTags } = options.steps.stored(record);
  const problems = [
    ...foreignKeyProblems(own, foreign.map(dnskeyOfRef)),
    ...added.value
      .filter(({ keyTag, dnskey }) => pastTags.includes(keyTag) && before.every((each) => each.dnskey !== dnskey))
      .map(({ keyTag }) =>
        problem('DNSSEC_KEY_SET', atZone(name), `key tag ${keyTag} is that of a key that the zone had before`, {
          rfc: 'RFC 4034 App. B',
        }),
      ),
  ];
  if (problems.length > 0) return fail(...problems.map((each) => ({ ...each, at: inBody('/add') })));
  const gone = before.filter(({ keyTag }) => command.remove.includes(keyTag));
  const tags = (refs: readonly ForeignKeyRef[]) => refs.map(({ keyTag }) => keyTag).join(', ');
  const came = added.value.length > 0 ? [`added ${tags(added.value)}`] : [];
  const went = gone.length > 0 ? [`removed ${tags(gone)}`] : [];
  const isChanged = JSON.stringify(foreign.map(unstamped)) !== JSON.stringify(before.map(unstamped));
  if (!isChanged) return ok({ parts: [], isChanged: false });
  const { keys, isDeletingDs } = record;
  return ok({
    zone: name,
    parts: [
      { record, view, changes: [], keySet: { keys, isDeletingDs: isDeletingDs === true, sealed: new Map(), foreign } },
    ],
    detail: ['keys of others', ...came, ...went].join('; '),
    warnings: gone.map(({ keyTag }) =>
      warning(
        'DNSSEC_KEYS_IN_USE',
        atZone(name),
        `what key ${keyTag} signed is bogus behind resolvers that get the DNSKEY RRset from here`,
        {
          fix: 'remove it when no server of the zone and no cache has its signatures, and the parent no DS of it',
          rfc: 'RFC 8901 §6.2',
        },
      ),
    ),
    isChanged: true,
    afterCommit: options.onDue,
  });
}

/** Why the zone takes no keys of others now; undefined: it does. */
function standsAgainst({ zone, add }: CommandOf<'dnssec.foreign'>, record: ZoneRecord): Problem | undefined {
  const { name } = record;
  const [at, unchanged] = [atZone(name), 'nothing was changed'];
  if (record.dnssec === 'off')
    return problem('DNSSEC_OFF', at, `${name} is not signed: it has no keys; ${unchanged}`, {
      fix: `waxseal dnssec enable ${name}`,
    });
  if (add.length === 0 || record.isDeletingDs !== true) return undefined;
  const why = `${name} leaves DNSSEC: its CDS asks for no DS, which keys of others need; ${unchanged}`;
  return problem('DNSSEC_SHARED', at, why, { fix: `call that off first: waxseal dnssec status ${formatName(zone)}` });
}

function readForeign(
  { add, isAnnounced }: CommandOf<'dnssec.foreign'>,
  { keys }: ZoneRecord,
  zone: Name,
  nowMs: number,
): Result<readonly ForeignKeyRef[]> {
  const problems: Problem[] = [];
  const refs = add.flatMap((text, at) => {
    const place = below(inBody('/add'), at);
    const read = readDnskeys(zone, text);
    if (!read.ok) {
      problems.push(...read.problems.map((each) => ({ ...each, at: place })));
      return [];
    }
    return read.value.flatMap(({ rdata }) => {
      const wrong = dnskeyProblem(rdata);
      if (wrong !== undefined) problems.push({ ...wrong, at: place });
      const ref = foreignRef(rdata, isAnnounced && isEntryPoint(rdata), nowMs);
      // The whole DNSKEY RRset of the other provider has ours in it.
      return keys.some(({ dnskey }) => dnskey === ref.dnskey) ? [] : [ref];
    });
  });
  const once = refs.filter(({ dnskey }, at) => refs.findIndex((each) => each.dnskey === dnskey) === at);
  return problems.length > 0 ? fail(...problems) : ok(once);
}

export function foreignRef(dnskey: Uint8Array, isAnnounced: boolean, addedAtMs: number): ForeignKeyRef {
  return { ...toRef(dnskey), isAnnounced, addedAtMs };
}

export function toRef(dnskey: Uint8Array) {
  return { keyTag: keyTagOf(dnskey), dnskey: Buffer.from(dnskey).toString('base64') };
}

export function dnskeyOfRef({ dnskey }: { readonly dnskey: string }): Uint8Array {
  return new Uint8Array(Buffer.from(dnskey, 'base64'));
}

function unstamped({ addedAtMs: _addedAtMs, ...ref }: ForeignKeyRef) {
  return ref;
}
