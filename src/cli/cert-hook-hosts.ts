/**
 * Which mail hosts a hook is about: those named on the command line, or the names of the certificate that have TLSA
 * records on this server; each with its zone and its records there.
 * Not here: what is done with them (cert-deploy-hook.ts).
 */
import { HOOK_NAMES_MAX } from '#base/limits/admin.ts';
import { type HookCall } from './cert-hook-call.ts';
import { type TlsaItem } from './cert-hook-plan.ts';
import { CommandFailure, failure } from './failure.ts';

/** A host at one port. */
export interface HookTarget {
  /** Without the last dot, as is `host`. */
  readonly zone: string;
  readonly host: string;
  readonly port: number;
  /** What the server lists for it now. */
  readonly items: readonly TlsaItem[];
}

export interface HookNames {
  /** On the command line. */
  readonly zone: string | undefined;
  /** On the command line; each must have records. */
  readonly hosts: readonly string[] | undefined;
  /** Of the certificate; those without records are passed over. */
  readonly names: readonly string[];
}

interface ZoneRecords {
  readonly zone: string;
  readonly records: readonly TlsaItem[];
}

export async function findTargets(call: HookCall, { zone, hosts, names }: HookNames): Promise<HookTarget[]> {
  if (hosts === undefined && names.length === 0 && zone === undefined)
    throw failure('CLI_USAGE', 'no host, certificate or zone is named', 'add --zone ZONE --host HOST --cert FILE');
  const zones = new Zones(call);
  const given = zone === undefined ? undefined : await zones.mustHave(zone);
  // Without any name: all hosts of the zone.
  const wanted = hosts ?? (names.length === 0 ? given!.records.map(({ host }) => host) : names);
  const targets = new Map<string, HookTarget>();
  for (const name of new Set(wanted.map((each) => absolute(each, given)))) {
    const found = given ?? (await zones.above(name));
    const records = found?.records.filter(({ host }) => withoutDot(host) === name) ?? [];
    if (records.length === 0 && hosts !== undefined)
      throw failure('LIFECYCLE_OBJECT', `${name} has no TLSA record here`, 'is it in dane.hosts of the mail policy?');
    for (const { port } of records) {
      const items = records.filter((each) => each.port === port);
      targets.set(`${name}:${port}`, { zone: withoutDot(found!.zone), host: name, port, items });
    }
  }
  return [...targets.values()];
}

/** One label is relative to the zone on the command line. */
function absolute(name: string, given: ZoneRecords | undefined): string {
  const text = withoutDot(name);
  if (text.includes('.') || name.endsWith('.')) return text;
  if (given === undefined) throw failure('CLI_USAGE', `${name} is relative, and no zone is named`, 'add --zone ZONE');
  return `${text}.${withoutDot(given.zone)}`;
}

function withoutDot(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}

/** Zones of the server with their records, each asked for once. */
class Zones {
  readonly #call: HookCall;
  readonly #known = new Map<string, ZoneRecords | undefined>();

  constructor(call: HookCall) {
    this.#call = call;
  }

  async mustHave(zone: string): Promise<ZoneRecords> {
    return this.#call<ZoneRecords>({ path: ['zones', zone, 'tlsa'] });
  }

  /** The zone that a name is in, as far as the token may read; undefined when there is none. */
  async above(name: string): Promise<ZoneRecords | undefined> {
    const labels = name.split('.');
    for (let at = 0; at < labels.length; at++) {
      const found = await this.#find(labels.slice(at).join('.'));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #find(zone: string): Promise<ZoneRecords | undefined> {
    if (this.#known.has(zone)) return this.#known.get(zone);
    if (this.#known.size > HOOK_NAMES_MAX)
      throw failure('CLI_USAGE', `the certificate has names in more than ${HOOK_NAMES_MAX} places`, 'add --zone ZONE');
    const found = await this.mustHave(zone).catch((error: unknown) => {
      // No such zone, no mail policy, or not for this token: the hook has nothing to do there.
      if (error instanceof CommandFailure && (error.exit === 3 || error.exit === 5)) return undefined;
      throw error;
    });
    this.#known.set(zone, found);
    return found;
  }
}
