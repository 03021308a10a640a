/**
 * Keys that come from elsewhere: a zone is signed with the keys that it brings, so that it moves here without a moment
 * in which a validator finds no key; and DNSKEY records of others who sign it too.
 * Implements: RFC 6781 §4.3.5 (a zone changes its operator), RFC 4035 §5.2 (a DS without its key is bogus).
 * Not here: reading keys (dnssec/key-files/key-import.ts), rollovers (decide.ts), signing (control/signing).
 */
import { toSeconds, type Clock } from '#base/clock.ts';
import { FOREIGN_KEY_TTL_SECONDS_UNKNOWN } from '#base/limits/dnssec.ts';
import { LIFECYCLE_SETTLE_MS } from '#base/limits/lifecycle.ts';
import { atZone, below, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, problem, warning } from '#base/problem.ts';
import { TYPE } from '#dns/types.ts';
import { algorithmOf } from '#dnssec/algorithm.ts';
import {
  type ImportedKey,
  type ImportedKeys,
  foreignKeyProblems,
  readGivenKeys,
} from '#dnssec/key-files/key-import.ts';
import { keyTagOf } from '#dnssec/key.ts';
import { KEY_POLICY, type KeyPolicy, rolesOf } from '#dnssec/key-policy.ts';
import { NO_ROLLOVERS, type RolloverState, rolloversOf } from '#dnssec/rollover/state.ts';
import { rememberTtl } from '#lifecycle/ttl-memory.ts';
import { rolloverWrite } from '#store/dnssec/rollovers.ts';
import { type ForeignKeyRef, type ZoneKeyRef, type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { rrsetOf } from '#zone/view.ts';
import { type DnssecKeysCommand } from '#control/api/dnssec-keys.ts';
import { zoneNotServed } from '#control/commands/absent.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type CommandOf, type CommandTable, type ServedZone } from '#control/commands/table.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { keyLabel } from '#control/signing/keys.ts';
import { changeForeignKeys, dnskeyOfRef, foreignRef, toRef } from './foreign-keys.ts';
import { type ParentLook, type ParentServers, isDsOf } from './parent.ts';
import { type DnssecSteps } from './steps.ts';

export interface KeyImportOptions {
  readonly writer: StoreWriter;
  readonly steps: DnssecSteps;
  readonly parents: ParentServers;
  readonly time: CountedTime;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  /** Something may have become due. */
  readonly onDue: () => void;
}

type Import = CommandOf<'dnssec.import'>;

export function keyImportHandlers(options: KeyImportOptions): CommandTable<DnssecKeysCommand['kind']> {
  const { writer, parents, steps } = options;
  const decide = (command: Import, served: ServedZone | undefined, looks: readonly ParentLook[] | undefined) =>
    served === undefined ? fail(zoneNotServed(command.zone)) : new KeyImport(command, served, looks, options).decide();
  return {
    'dnssec.import': {
      look: async (command) => {
        const record = writer.zoneByName(command.zone);
        const isAsked = record !== undefined && !command.isParentIgnored;
        const looks = isAsked ? await parents.look(command.zone, steps.policyOf(record).parentServers) : undefined;
        return ok(({ served }) => decide(command, served, looks));
      },
      decide: (command, { served }) => decide(command, served, undefined),
    },
    'dnssec.foreign': {
      decide: (command, { served }) =>
        served === undefined ? fail(zoneNotServed(command.zone)) : changeForeignKeys(command, served, options),
    },
  };
}

/** One import, in its turn. */
class KeyImport {
  readonly #command: Import;
  readonly #zone: ServedZone;
  /** Undefined: the parent is not asked. */
  readonly #looks: readonly ParentLook[] | undefined;
  readonly #options: KeyImportOptions;

  constructor(command: Import, zone: ServedZone, looks: readonly ParentLook[] | undefined, options: KeyImportOptions) {
    this.#command = command;
    this.#zone = zone;
    this.#looks = looks;
    this.#options = options;
  }

  decide(): Result<Decision> {
    const { clock } = this.#options;
    const { zone } = this.#command;
    const read = readGivenKeys(zone, this.#command, toSeconds(clock.nowMs()));
    if (!read.ok) return read;
    const { record } = this.#zone;
    const imported = read.value;
    if (isSame(record, imported)) return ok({ parts: [], isChanged: false, warnings: read.warnings });
    const foreign = this.#foreign(imported);
    const policy = this.#policy(imported);
    const problems: Problem[] = [
      ...this.#inUseProblems(imported),
      ...this.#tagProblems(imported),
      ...foreignKeyProblems(
        imported.keys.map(({ dnskey }) => dnskey),
        foreign.map(dnskeyOfRef),
      ).map((each) => ({ ...each, at: inBody('/published') })),
      ...this.#parentProblems(imported, foreign),
      ...(policy.ok ? [] : policy.problems),
    ];
    if (hasErrors(problems) || !policy.ok) return fail(...problems);
    const warnings = [...read.warnings, ...problems, ...this.#droppedWarnings(imported, foreign), ...policy.warnings];
    return ok(this.#decision(imported, foreign, policy.value, warnings));
  }

  #decision(
    imported: ImportedKeys,
    foreign: readonly ForeignKeyRef[],
    policy: KeyPolicy,
    warnings: readonly Problem[],
  ): Decision {
    const { writer, time, steps, onDue } = this.#options;
    const { record, view } = this.#zone;
    const before = steps.policyOf(record);
    const refs = imported.keys.map((key) => this.#ref(key));
    const sealed = new Map(refs.map(({ id }, at) => [id, writer.sealer.seal(keyLabel(id), imported.keys[at]!.secret)]));
    const { nowMs } = time.read();
    const others = foreign.map(({ keyTag }) => keyTag).join(', ');
    const names = refs.map(nameOfRef).join(', ');
    return {
      zone: record.name,
      parts: [
        {
          record,
          view,
          changes: [],
          isSigned: true,
          keySet: {
            keys: refs,
            isDeletingDs: false,
            sealed,
            foreign,
            ...(JSON.stringify(policy) === JSON.stringify(before) ? {} : { policy }),
          },
        },
      ],
      documents: [
        rolloverWrite(record.id, this.#state(refs, imported, policy), nowMs + LIFECYCLE_SETTLE_MS),
        time.write(),
      ],
      detail: `import of keys ${names}${others === '' ? '' : `; published beside them: ${others}`}`,
      plan: [...refs.map((ref) => `${nameOfRef(ref)} signs from now on`), ...this.#parentLines(imported)],
      warnings,
      isChanged: true,
      afterCommit: onDue,
    };
  }

  #ref({ role, algorithm, flags, dnskey }: ImportedKey): ZoneKeyRef {
    const { random, clock } = this.#options;
    const keyTag = keyTagOf(dnskey);
    return {
      id: `${this.#zone.record.name}${keyTag}-${Buffer.from(random(4)).toString('hex')}`,
      keyTag,
      algorithm,
      role,
      flags,
      state: 'active',
      createdAtMs: clock.nowMs(),
      dnskey: Buffer.from(dnskey).toString('base64'),
    };
  }

  /** What later rollovers count with: since when the keys are used, and what caches may hold from the other server. */
  #state(refs: readonly ZoneKeyRef[], { ttlSeconds }: ImportedKeys, policy: KeyPolicy): RolloverState {
    const { steps, time } = this.#options;
    const { record } = this.#zone;
    const stored = steps.stored(record);
    // Signing may have been turned off at once, with rollovers of keys that are gone.
    const state = record.dnssec === 'on' ? stored : { ...NO_ROLLOVERS, ttls: stored.ttls, pastTags: stored.pastTags };
    const { nowMs } = time.read();
    const ttl = Math.max(
      this.#command.ttlSeconds ?? ttlSeconds ?? FOREIGN_KEY_TTL_SECONDS_UNKNOWN,
      policy.keyTtlSeconds,
    );
    return {
      ...state,
      ttls: rememberTtl(state.ttls, 'dnskey', ttl, nowMs, policy.propagationSeconds * 1000),
      activeSinceMs: Object.fromEntries(refs.map(({ id }) => [id, nowMs])),
      pastTags: [...state.pastTags, ...record.keys.map(({ keyTag }) => keyTag)],
    };
  }

  #foreign({ keys, published }: ImportedKeys): readonly ForeignKeyRef[] {
    const own = keys.map(({ dnskey }) => Buffer.from(dnskey).toString('base64'));
    const before = (this.#zone.record.foreignKeys ?? []).filter(({ dnskey }) => !own.includes(dnskey));
    const addedAtMs = this.#options.clock.nowMs();
    const added = published.map((dnskey) => foreignRef(dnskey, false, addedAtMs));
    return [...before, ...added.filter(({ dnskey }) => before.every((each) => each.dnskey !== dnskey))];
  }

  /** The zone is signed, and its keys would go. */
  #inUseProblems({ keys }: ImportedKeys): Problem[] {
    const { record, view } = this.#zone;
    const { name } = record;
    // The keys of a pre-signed zone are elsewhere, and may be these.
    if (record.dnssec === 'off' || record.presigned !== undefined) return [];
    const tags = record.keys.map(nameOfRef).join(', ');
    const refuse = (why: string, fix: string) => [
      problem('DNSSEC_KEYS_IN_USE', atZone(name), `${why}; nothing was changed`, { fix }),
    ];
    if (rolloversOf(this.#options.steps.stored(record)).length > 0)
      return refuse(`a rollover of ${name} is under way`, `waxseal dnssec status ${name}`);
    const announced = record.keys.filter((own) =>
      keys.every(({ dnskey }) => Buffer.from(dnskey).toString('base64') !== own.dnskey),
    );
    const held = (this.#looks ?? []).find(({ ds }) =>
      ds?.some((rdata) => announced.some((key) => isDsOf(rdata, view.apex, key))),
    );
    if (held !== undefined)
      return refuse(
        `${name} is signed with ${tags}, and ${held.place}, a server of its parent, has their DS: it would be bogus`,
        'to bring another key in beside them: waxseal dnssec foreign; to leave them: waxseal dnssec roll',
      );
    if (!this.#command.isReplacing)
      return refuse(
        `${name} is signed with ${tags} already, which would go`,
        'if resolvers never saw them (the zone is not delegated here yet), repeat it with replace (--replace)',
      );
    const isKnown =
      this.#command.isParentIgnored ||
      ((this.#looks ?? []).length > 0 && this.#looks!.every(({ ds }) => ds !== undefined));
    if (!isKnown)
      return refuse(
        `whether the parent of ${name} has a DS for ${tags} is not known: ${this.#lookText()}`,
        'try again later, or say that it has none: ignoreParent (--ignore-parent)',
      );
    return [];
  }

  #lookText(): string {
    const looks = this.#looks ?? [];
    if (looks.length === 0) return 'its name servers were not found';
    return looks
      .filter(({ ds }) => ds === undefined)
      .map(({ place, text }) => `${place} ${text}`)
      .join('; ');
  }

  /** RFC 4034 App. B: caches may hold a key that went, under the same tag. */
  #tagProblems({ keys }: ImportedKeys): Problem[] {
    const { record } = this.#zone;
    const { pastTags } = this.#options.steps.stored(record);
    return keys.flatMap(({ dnskey }, at) => {
      const keyTag = keyTagOf(dnskey);
      const text = Buffer.from(dnskey).toString('base64');
      const live = record.keys.some((key) => key.keyTag === keyTag && key.dnskey !== text);
      const old = pastTags.includes(keyTag);
      if (!live && !old) return [];
      const whose = live ? 'another key of the zone' : 'a key that the zone had before';
      return [
        problem('DNSSEC_KEYS_IN_USE', below(inBody('/keys'), at), `key tag ${keyTag} is that of ${whose}`, {
          rfc: 'RFC 4034 App. B',
        }),
      ];
    });
  }

  /** The parent names keys, and none of them comes. */
  #parentProblems({ keys, published }: ImportedKeys, foreign: readonly ForeignKeyRef[]): Problem[] {
    const { name } = this.#zone.record;
    const { apex } = this.#zone.view;
    const known = [...keys.map(({ dnskey }) => dnskey), ...published, ...foreign.map(dnskeyOfRef)].map(toRef);
    return (this.#looks ?? []).flatMap(({ place, ds = [], text }) => {
      if (ds.length === 0 || ds.some((rdata) => known.some((key) => isDsOf(rdata, apex, key)))) return [];
      return [
        problem(
          'DNSSEC_PARENT',
          atZone(name),
          `${place}, a name server of the parent, has ${text}: it is of none of these keys`,
          {
            fix: 'bring the key that the DS is of, or continue all the same with ignoreParent (--ignore-parent)',
            rfc: 'RFC 4035 §5.2',
          },
        ),
      ];
    });
  }

  #parentLines({ keys }: ImportedKeys): string[] {
    const { apex } = this.#zone.view;
    const looks = this.#looks ?? [];
    return keys
      .filter(({ role }) => role !== 'zsk')
      .map(({ dnskey }) => {
        const having = looks.filter(({ ds }) => ds?.some((rdata) => isDsOf(rdata, apex, toRef(dnskey)))).length;
        if (looks.length === 0) return `whether the parent has a DS of key ${keyTagOf(dnskey)} was not seen`;
        return `the parent has a DS of key ${keyTagOf(dnskey)} at ${having} of ${looks.length} name servers`;
      });
  }

  /** DNSKEY records that stand in the unsigned zone, from its file, go. */
  #droppedWarnings({ keys }: ImportedKeys, foreign: readonly ForeignKeyRef[]): Problem[] {
    const { record, view } = this.#zone;
    if (record.dnssec === 'on' && record.presigned === undefined) return [];
    const kept = [
      ...keys.map(({ dnskey }) => Buffer.from(dnskey).toString('base64')),
      ...foreign.map(({ dnskey }) => dnskey),
    ];
    const gone = (rrsetOf(view.node(view.apexKey), TYPE.DNSKEY)?.rdatas ?? []).filter(
      (rdata) => !kept.includes(Buffer.from(rdata).toString('base64')),
    );
    return gone.map((rdata) =>
      warning(
        'DNSSEC_DROPPED',
        atZone(record.name),
        `the DNSKEY record of key ${keyTagOf(rdata)}, which is in the zone, goes: it is none of these keys`,
        {
          fix: 'if signatures by it may still be in caches, give it among those that stay published',
        },
      ),
    );
  }

  /** The policy with which the keys stay as they are, or the one that leads away from them. */
  #policy({ keys }: ImportedKeys): Result<KeyPolicy> {
    const { record } = this.#zone;
    const { steps } = this.#options;
    const policy = steps.policyOf(record);
    const [{ algorithm, role }] = keys as readonly [ImportedKey];
    const shape: KeyPolicy['keys'] = role === 'csk' ? 'csk' : 'ksk+zsk';
    const isFitting = policy.algorithm === algorithm && policy.keys === shape;
    if (isFitting) return ok(policy);
    const { isPolicyTaken } = this.#command;
    const wanted = `${policy.keys} of algorithm ${policy.algorithm}`;
    const said = `the policy of ${record.name} says ${wanted}, and these keys are ${shape} of ${algorithm}`;
    if (isPolicyTaken === false)
      return ok(policy, [
        warning(
          'DNSSEC_POLICY',
          atZone(record.name),
          `${said}: rollovers to ${rolesOf(policy).join(', ')} begin at once`,
        ),
      ]);
    const isDefault = policy.keys === KEY_POLICY.keys && policy.algorithm === KEY_POLICY.algorithm;
    if (isPolicyTaken === undefined && (record.keyPolicy !== undefined || !isDefault))
      return fail(
        problem('DNSSEC_POLICY', inBody('/policy'), said, {
          fix: 'policy "take" (--policy take): it becomes theirs; "keep" (--policy keep): rollovers to it begin',
        }),
      );
    const { kskLifetimeSeconds: _ksk, zskLifetimeSeconds: _zsk, ...rest } = policy;
    const taken = { ...(algorithmOf(algorithm).isMade ? policy : rest), keys: shape, algorithm };
    const stays = algorithmOf(algorithm).isMade
      ? []
      : [
          warning(
            'DNSSEC_POLICY',
            atZone(record.name),
            `new keys of algorithm ${algorithm} are not made here: these stay until the zone leaves it`,
            {
              fix: `waxseal dnssec policy ${record.name} --algorithm 13`,
            },
          ),
        ];
    return ok(taken, stays);
  }
}

/** The zone has these keys, and publishes these, already. */
function isSame({ dnssec, keys, foreignKeys = [] }: ZoneRecord, imported: ImportedKeys): boolean {
  const text = (dnskeys: readonly string[]) => dnskeys.toSorted().join();
  const own = text(keys.map(({ dnskey }) => dnskey));
  const wanted = text(imported.keys.map(({ dnskey }) => toRef(dnskey).dnskey));
  return (
    dnssec === 'on' &&
    own === wanted &&
    imported.published.every((each) => foreignKeys.some(({ dnskey }) => dnskey === toRef(each).dnskey))
  );
}

function nameOfRef({ role, keyTag, algorithm }: ZoneKeyRef): string {
  return `${role.toUpperCase()} ${keyTag} (algorithm ${algorithm})`;
}
