/**
 * Follows catalogs of other servers: after each version that came, zones come, go, change and move as it says, one
 * transaction for each, until all is as it says. What was left undone by a stop, a full disk or a clash is done later.
 * A catalog that is broken, expired or not reached changes nothing.
 * Implements: RFC 9432 §5.1 (broken catalogs are ignored), and through plan.ts §5.2–5.6.
 * Not here: getting the catalog (control/secondary/keeper.ts), what follows from it (plan.ts).
 */
import { setImmediate as turn } from 'node:timers/promises';
import { CATALOG_AGAIN_MS, CATALOG_NAMES_SHOWN_MAX } from '#base/limits/transfer.ts';
import { type Log } from '#base/log.ts';
import { atZone } from '#base/place.ts';
import { type Problem, type Result, formatProblem, ok, problem } from '#base/problem.ts';
import { type Name, type OwnerKey, formatName, nameOf } from '#dns/name.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type FollowedCatalog, readFollowed, readMembership } from '#store/transfer/followed-catalogs.ts';
import { type CatalogContent, readCatalog } from '#transfer/catalog-content.ts';
import { type FollowedView } from '#control/api/catalog.ts';
import { type Command, type Outcome, type RunOptions } from '#control/api/control.ts';
import { type CatalogPlan, type MemberOrder, ownRecord, planCatalog } from './plan.ts';

export interface FollowerOptions {
  readonly writer: StoreWriter;
  readonly run: (command: Command, options: RunOptions) => Promise<Result<Outcome>>;
  readonly alert: (zone: string | undefined, problems: readonly Problem[]) => Promise<void>;
}

/** What is known of one catalog since the start. */
interface Kept {
  readonly id: number;
  /** Ids of zones that it brought. What is gone without this catalog's doing is taken out at its next version. */
  readonly own: Set<number>;
  isBusy: boolean;
  isWanted: boolean;
  broken: string | undefined;
  plan: CatalogPlan | undefined;
  failure: string | undefined;
  /** Texts of the last alerts, their codes, and when: each comes once, and new texts of the same once a minute. */
  told: string;
  toldCodes: string;
  toldAtMs: number;
}

const ACTOR = { kind: 'system', id: 'catalog', from: '' } as const;

export class CatalogFollower {
  readonly #options: FollowerOptions;
  readonly #kept = new Map<number, Kept>();
  readonly #running = new Set<Promise<void>>();
  /** Since the start. */
  readonly counts = { added: 0, removed: 0, changed: 0 };
  #timer: NodeJS.Timeout | undefined;
  #log: Log | undefined;
  #isStopped = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    for (const { id } of this.catalogs()) this.#keptOf(id);
    if (this.#kept.size > 0) this.noteAll();
  }

  /** Looks at every zone for whose member it is: once, at the start. */
  noteAll(): void {
    for (const { id } of this.#options.writer.zones()) this.#note(id);
  }

  start(log: Log): void {
    this.#log = log;
    for (const id of this.#kept.keys()) this.#want(id);
    this.#timer = setInterval(() => this.again(), CATALOG_AGAIN_MS);
  }

  /** What is under way ends with the zone it is at. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#isStopped = true;
    await this.settled();
  }

  /** Resolves when all that was wanted is done, or was tried. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** These zones were changed: a catalog among them is followed now. */
  changed(zones: readonly ZoneRecord[]): void {
    const catalogs = zones.filter(({ isCatalog, secondary }) => isCatalog === true && secondary !== undefined);
    for (const { id } of catalogs) this.#want(id);
    // Where one lets a zone go, another one may have waited for it.
    if (catalogs.length > 0) this.again();
  }

  /** Looks at those of which something is left to do. */
  again(): void {
    for (const { id, plan, failure } of this.#kept.values())
      if (failure !== undefined || (plan !== undefined && (plan.clashes.length > 0 || plan.isHeld))) this.#want(id);
  }

  /** Undefined for a catalog that is kept here. */
  view(catalog: ZoneRecord): FollowedView | undefined {
    const followed = readFollowed(this.#options.writer, catalog.id);
    if (followed === undefined || catalog.secondary === undefined) return undefined;
    const { templates, membersMax } = followed;
    const kept = this.#keptOf(catalog.id);
    const { broken, failure, plan } = kept;
    const { clashes = [], remove = [], isHeld = false } = plan ?? {};
    const held = isHeld ? remove : [];
    return {
      state: catalog.nodeCount === 0 ? 'waiting' : stateOf(kept),
      templates,
      membersMax,
      // Not looked up one by one: metrics ask for it.
      members: kept.own.size,
      ...(broken === undefined ? {} : { broken }),
      clashes: clashes.slice(0, CATALOG_NAMES_SHOWN_MAX),
      clashCount: clashes.length,
      held: held.slice(0, CATALOG_NAMES_SHOWN_MAX).map(({ name }) => name),
      heldCount: held.length,
      ...(failure === undefined ? {} : { failure }),
    };
  }

  /** Zones here that the catalog brought. */
  members(catalog: Pick<ZoneRecord, 'id'>): readonly ZoneRecord[] {
    const { own } = this.#keptOf(catalog.id);
    return [...own].flatMap((id) => ownRecord(this.#options.writer, id, catalog) ?? []);
  }

  /** Of all catalogs that are followed, for metrics. */
  catalogs(): readonly ZoneRecord[] {
    return this.#options.writer.catalogs().filter(({ secondary }) => secondary !== undefined);
  }

  #keptOf(id: number): Kept {
    const known = this.#kept.get(id);
    if (known !== undefined) return known;
    const fresh = { isBusy: false, isWanted: false, broken: undefined, plan: undefined, failure: undefined };
    const told = { told: '', toldCodes: '', toldAtMs: 0 };
    const kept: Kept = { id, own: new Set(), ...fresh, ...told };
    this.#kept.set(id, kept);
    return kept;
  }

  /** The zone is of the catalog that its membership names. */
  #note(zoneId: number): void {
    const membership = readMembership(this.#options.writer, zoneId);
    if (membership === undefined || this.#options.writer.zoneById(membership.catalogId) === undefined) return;
    for (const { own } of this.#kept.values()) own.delete(zoneId);
    this.#keptOf(membership.catalogId).own.add(zoneId);
  }

  #want(id: number): void {
    const kept = this.#keptOf(id);
    kept.isWanted = true;
    if (kept.isBusy || this.#isStopped) return;
    kept.isBusy = true;
    const running = this.#work(kept).finally(() => {
      kept.isBusy = false;
      this.#running.delete(running);
      if (kept.isWanted) this.#want(id);
    });
    this.#running.add(running);
  }

  async #work(kept: Kept): Promise<void> {
    const { writer } = this.#options;
    while (kept.isWanted && !this.#isStopped) {
      kept.isWanted = false;
      const catalog = writer.zoneById(kept.id);
      const followed = catalog && readFollowed(writer, kept.id);
      if (catalog?.secondary === undefined || followed === undefined) {
        this.#kept.delete(kept.id);
        return;
      }
      // It has never been there, or has expired: nothing is known of its members.
      if (catalog.revision === 0 || catalog.secondary.isExpired === true || catalog.nodeCount === 0) continue;
      const content = readCatalog(writer.view(catalog), followed.membersMax);
      if ('broken' in content) await this.#ignore(kept, catalog, content);
      else await this.#follow(kept, catalog, followed, content);
    }
  }

  /** §5.1: nothing of it is processed; what it brought before stays as it is. */
  async #ignore(kept: Kept, catalog: ZoneRecord, content: Extract<CatalogContent, { broken: string }>): Promise<void> {
    const { broken, isTooLarge } = content;
    [kept.broken, kept.plan, kept.failure] = [broken, undefined, undefined];
    const code = isTooLarge === true ? 'CATALOG_MEMBERS_MANY' : 'CATALOG_BROKEN';
    const fix =
      isTooLarge === true
        ? `let it have more: waxseal catalog settings ${catalog.name} --members-max NUMBER`
        : 'mend it at the server that produces it';
    const text = `the catalog ${catalog.name} ${broken}; it is ignored, and its members stay as they are`;
    await this.#tell(kept, catalog, [problem(code, atZone(catalog.name), text, { fix })]);
  }

  async #follow(
    kept: Kept,
    catalog: ZoneRecord,
    followed: FollowedCatalog,
    { members: listed }: Extract<CatalogContent, { members: unknown }>,
  ): Promise<void> {
    const { writer } = this.#options;
    kept.broken = undefined;
    for (const id of kept.own) if (ownRecord(writer, id, catalog) === undefined) kept.own.delete(id);
    const newOwner = this.#newOwners();
    const plan = planCatalog({ reader: writer, catalog, followed, listed, own: kept.own, newOwner });
    [kept.plan, kept.failure] = [plan, undefined];
    const revisionOf = (): number | undefined => writer.zoneById(catalog.id)?.revision;
    const isOvertaken = (): boolean => this.#isStopped || revisionOf() !== catalog.revision;
    const failures: string[] = [];
    for (const { work, name } of this.#steps(kept, catalog, plan)) {
      // A newer version is here: what follows from that is looked at anew.
      if (isOvertaken()) {
        kept.isWanted = true;
        return;
      }
      const done = await work();
      // A step waits for nothing but the store: other requests have their turn before the next one.
      await turn();
      if (!done.ok) failures.push(`${name}: ${done.problems.map(formatProblem).join('; ')}`);
    }
    kept.isWanted ||= isOvertaken();
    const [first] = failures;
    if (first === undefined && plan.clashes.length === 0 && !plan.isHeld) kept.plan = undefined;
    if (kept.isWanted) return;
    if (first !== undefined) kept.failure = failures.length === 1 ? first : `${first}; and ${failures.length - 1} more`;
    // All at once: a text in parts differs from the one before it, and would be an alert again with each try.
    await this.#tell(kept, catalog, [
      ...problemsOf(catalog, plan),
      ...(kept.failure === undefined ? [] : [failed(catalog, kept.failure)]),
    ]);
  }

  /** Zones move and come before others go. */
  *#steps(
    kept: Kept,
    catalog: ZoneRecord,
    { assign, add, remove, isHeld }: CatalogPlan,
  ): Generator<{ readonly name: string; readonly work: () => Promise<Result<unknown>> }> {
    const isOwn = (zone: Name): boolean => {
      const record = this.#options.writer.zoneByName(zone);
      return record !== undefined && ownRecord(this.#options.writer, record.id, catalog) !== undefined;
    };
    const precondition = (): Problem | undefined => {
      if (this.#options.writer.zoneById(catalog.id)?.revision === catalog.revision) return undefined;
      return problem('PRECONDITION', atZone(catalog.name), `the catalog ${catalog.name} was changed meanwhile`);
    };
    const run = (command: Command) => this.#options.run(command, { actor: ACTOR, dryRun: false, precondition });
    const noted = async (order: MemberOrder, command: Command, count: 'added' | 'changed') => {
      const done = await run(command);
      const record = this.#options.writer.zoneByName(order.zone);
      if (done.ok && record !== undefined) {
        this.#note(record.id);
        this.counts[count] += 1;
      }
      return done;
    };
    for (const order of assign)
      yield { name: formatName(order.zone), work: () => noted(order, { kind: 'catalog.assign', ...order }, 'changed') };
    for (const order of add) {
      const { zone, primaries, mode, membership } = order;
      const command = { kind: 'secondary.create', zone, primaries, isSigning: mode === 'sign', membership } as const;
      yield { name: formatName(zone), work: () => noted(order, command, 'added') };
    }
    for (const { id, name } of isHeld ? [] : remove)
      yield {
        name,
        work: async () => {
          const zone = nameOf(name);
          if (!isOwn(zone)) return ok(undefined);
          const done = await run({ kind: 'zone.remove', zone });
          if (!done.ok) return done;
          kept.own.delete(id);
          this.counts.removed += 1;
          return done;
        },
      };
  }

  /** What other catalogs say about where their members go; each is read once. */
  #newOwners(): (catalogId: number, zone: OwnerKey) => Name | undefined {
    const read = new Map<number, CatalogContent>();
    const { writer } = this.#options;
    return (catalogId, zone) => {
      const record = writer.zoneById(catalogId);
      const followed = readFollowed(writer, catalogId);
      if (record === undefined || followed === undefined) return undefined;
      let content = read.get(catalogId);
      if (content === undefined) read.set(catalogId, (content = readCatalog(writer.view(record), followed.membersMax)));
      return 'broken' in content ? undefined : content.members.get(zone)?.coo;
    };
  }

  /** Once for each thing, until it is another. */
  async #tell(kept: Kept, catalog: ZoneRecord, problems: readonly Problem[]): Promise<void> {
    const told = problems.map(({ message }) => message).join('\n');
    const toldCodes = problems.map(({ code }) => code).join();
    const isSoon = toldCodes === kept.toldCodes && performance.now() - kept.toldAtMs < CATALOG_AGAIN_MS;
    if (told === kept.told || isSoon) return;
    Object.assign(kept, { told, toldCodes, toldAtMs: performance.now() });
    for (const each of problems) this.#log?.warn('catalog.trouble', each.message, { catalog: catalog.name });
    if (problems.length > 0) await this.#options.alert(catalog.name, problems);
  }
}

function stateOf({ broken, plan, failure, isBusy }: Kept): FollowedView['state'] {
  if (broken !== undefined) return 'broken';
  if (plan?.isHeld === true) return 'held';
  return isBusy && failure === undefined ? 'busy' : 'current';
}

function problemsOf({ name }: ZoneRecord, { clashes, remove, isHeld }: CatalogPlan): readonly Problem[] {
  const found: Problem[] = [];
  if (clashes.length > 0) {
    const shown = clashes.slice(0, CATALOG_NAMES_SHOWN_MAX).map(({ zone, why }) => `${zone} ${why}`);
    const more = clashes.length > shown.length ? `; and ${clashes.length - shown.length} more` : '';
    const what = `${clashes.length} members of the catalog ${name} are not taken, and what is here stays`;
    const fix = 'take them out of the catalog, or remove the zones here: waxseal zone remove ZONE';
    found.push(
      problem('CATALOG_CLASH', atZone(name), `${what}: ${shown.join('; ')}${more}`, { rfc: 'RFC 9432 §5.2', fix }),
    );
  }
  if (isHeld) {
    const shown = remove.slice(0, CATALOG_NAMES_SHOWN_MAX).map((each) => each.name);
    const more = remove.length > shown.length ? ` and ${remove.length - shown.length} more` : '';
    const what = `the catalog ${name} does not have ${remove.length} of its members any more, and they are kept`;
    const fix = `if they shall go: waxseal catalog confirm ${name}`;
    found.push(problem('CATALOG_REMOVALS_HELD', atZone(name), `${what}: ${shown.join(', ')}${more}`, { fix }));
  }
  return found;
}

function failed({ name }: ZoneRecord, failure: string): Problem {
  const text = `members of the catalog ${name} are not as it says: ${failure}`;
  return problem('CATALOG_FAILED', atZone(name), text, { fix: 'it is tried again each minute' });
}
