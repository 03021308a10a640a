/**
 * The register of mail signers, and the only door through which a private key leaves: to a signer that is registered for the domain,
 * from an address that it may ask from, with an entry in the audit log before it goes.
 * Implements: RFC 6376 §5.2 (a signer has its key only once the record is published), NIST SP 800-57 part 1 §8.1.5.2.2 (who was given which key).
 * Not here: files (export.ts), the HTTP side (admin/v1/signers/signers.ts), when keys change (mail/dkim/lifecycle.ts).
 */
import { assert } from '#base/assert.ts';
import { type Clock, toSeconds } from '#base/clock.ts';
import { WHOLE, atObject, atZone, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { type Name, formatName, nameOf } from '#dns/name.ts';
import { type SignerFacts } from '#mail/dkim/signers.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type TokenRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type DkimKeySource } from '#control/mail/dkim-keys.ts';
import {
  type AddedPublicKey,
  type AddedSigner,
  type ExportStatus,
  type RspamdSelector,
  type SignerActor,
  type SignerFiles,
  type SignerKeyForm,
  type SignerOptions,
  type SignerRecord,
  type SignerRequest,
  type SignerView,
  type SignerVisit,
  type SignerWord,
  type SignersApi,
} from '#control/api/signers.ts';
import { HourlyLog } from './audit.ts';
import { rspamdSelector } from './forms.ts';
import { checkSigner, factFor, mayAskFrom, scopeOf, signedZone, withSigner, withoutDot } from './record.ts';
import { stillNamed } from './still-named.ts';
import { SignerRegister, tokensOf } from './register.ts';
import { type SigningWindow, signingNow, signingWindows } from './windows.ts';
import { newToken } from '#control/tokens/tokens.ts';

/** What signers need of the mail of zones. */
export interface SignerMail extends DkimKeySource {
  /** Signers that the policy waits for; undefined without a policy. */
  policySigners(zone: Name): readonly string[] | undefined;
  acknowledge(zone: Name, signer: string, word: SignerWord, options: SignerOptions): Promise<Result<unknown>>;
  addKey(zone: Name, signer: string, publicKey: string, options: SignerOptions): Promise<Result<AddedPublicKey>>;
}

/** The folders of signers that read files; given by the process, which has disks and child processes. */
export interface SignerFolders {
  status(name: string): ExportStatus;
  exportNow(signer: SignerRecord): Promise<Result<ExportStatus>>;
  forget(name: string): void;
  prepare(files: SignerFiles, others: readonly SignerRecord[], isDryRun: boolean): Promise<Result<string | undefined>>;
}

export interface SignersSettings {
  readonly writer: StoreWriter;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  readonly mail: SignerMail;
  readonly funnel: Funnel;
  /** Folder of the exports that name none. */
  readonly filesRoot: string;
}

/** A private key that a signer got. */
interface FetchedKey {
  readonly signer: string;
  readonly zone: string;
  readonly selector: string;
}

export class Signers implements SignersApi {
  readonly #settings: SignersSettings;
  readonly #fetches = new HourlyLog<FetchedKey>(({ signer, zone, selector }) => `${signer} ${zone} ${selector}`);
  readonly #refusals = new HourlyLog<Pick<SignerVisit, 'signer' | 'from'>>(({ signer, from }) => `${signer} ${from}`);
  readonly #fetchedAtMs = new Map<string, number>();
  /** Signer and zone → selectors that it is known to sign with. */
  readonly #inUse = new Map<string, string>();
  readonly #register: SignerRegister;
  #files: SignerFolders | undefined;

  constructor(settings: SignersSettings) {
    this.#settings = settings;
    this.#register = new SignerRegister(settings.writer);
  }

  /** From now on files are written by `files`. */
  useFiles(files: SignerFolders): void {
    this.#files = files;
  }

  // --- the register ---

  list(): readonly SignerView[] {
    const tokens = this.#settings.writer.tokens();
    return this.records().map((record) => this.#view(record, tokens));
  }

  find(name: string): SignerView | undefined {
    const record = this.#register.find(name);
    return record === undefined ? undefined : this.#view(record, this.#settings.writer.tokens());
  }

  records(): readonly SignerRecord[] {
    return this.#register.records();
  }

  /** What mail has to know of each: who makes its own keys is not waited for when ours change. */
  factsFor(zone: Name): SignerFacts {
    return new Map(this.records().map((record) => [record.name, factFor(record, zone)]));
  }

  /** The folder of its files is made before its turn: an order that cannot be carried out, or never ends, is not stored. */
  async add(request: SignerRequest, { actor, dryRun }: SignerOptions): Promise<Result<AddedSigner>> {
    const { clock, random, filesRoot, funnel } = this.#settings;
    const nowMs = clock.nowMs();
    let added: AddedSigner | undefined;
    const decide = (record: SignerRecord, warnings: readonly Problem[]): Result<Decision> => {
      // Another one may have been registered meanwhile.
      const signers = this.#withSigner(record);
      if (!signers.ok) return signers;
      const isFetching = !dryRun && record.delivery !== 'files';
      const wanted = { name: record.name, scopes: [scopeOf(record.name)] };
      const token = isFetching ? newToken(wanted, random, nowMs) : undefined;
      const tokens = token === undefined ? [] : [token.record];
      const signer = this.#view(record, tokens);
      added = token === undefined ? { signer } : { signer, token: { id: token.record.id, secret: token.text } };
      return ok({
        ...this.#register.replace(signers.value),
        tokens: { put: tokens },
        detail: `signer ${record.name} (${record.delivery}) for ${record.domains.join(', ')}`,
        warnings: [...warnings, ...record.domains.flatMap((domain) => this.#unlisted(domain, record.name) ?? [])],
      });
    };
    const done = await funnel.changeAfter({ actor, action: 'signer.add', dryRun }, async () => {
      const checked = checkSigner(request, nowMs, filesRoot);
      if (!checked.ok) return checked;
      const local = checkLocal(checked.value, request, actor);
      if (local !== undefined) return fail(local);
      const possible = this.#withSigner(checked.value);
      if (!possible.ok) return possible;
      const placed = await this.#withFolder(checked.value, dryRun);
      return placed.ok ? ok(() => decide(placed.value, checked.warnings)) : placed;
    });
    return done.ok ? ok(added!, done.warnings) : done;
  }

  async remove(name: string, { actor, dryRun }: SignerOptions): Promise<Result<SignerView>> {
    let removed: SignerView | undefined;
    const done = await this.#settings.funnel.change({ actor, action: 'signer.remove', dryRun, upkeep: true }, () => {
      removed = this.find(name);
      const decided = this.#register.remove(name);
      if (!decided.ok) return decided;
      return ok({
        ...decided.value,
        warnings: stillNamed(removed!, this.#settings.mail),
        afterCommit: () => {
          this.#files?.forget(name);
          this.#fetchedAtMs.delete(name);
        },
      });
    });
    return done.ok ? ok(removed!, done.warnings) : done;
  }

  /** All signers with this one, or what is against it. */
  #withSigner(record: SignerRecord): Result<readonly SignerRecord[]> {
    const missing = record.domains.filter((domain) => this.#settings.writer.zoneByName(nameOf(domain)) === undefined);
    if (missing.length > 0) return fail(...missing.map((domain) => noZone(domain)));
    return withSigner(this.records(), record);
  }

  async #withFolder(record: SignerRecord, dryRun: boolean): Promise<Result<SignerRecord>> {
    if (record.files === undefined || this.#files === undefined) return ok(record);
    const prepared = await this.#files.prepare(record.files, this.records(), dryRun);
    if (!prepared.ok) return prepared;
    const realFolder = prepared.value;
    return ok(realFolder === undefined ? record : { ...record, files: { ...record.files, realFolder } });
  }

  async addPublicKey(name: string, domain: string, publicKey: string, options: SignerOptions): Promise<Result<AddedPublicKey>> {
    const record = this.#register.find(name);
    if (record === undefined) return fail(this.#register.notFound(name));
    if (record.delivery !== 'own-key')
      return fail(
        problem(
          'SIGNER_OWN_KEY',
          atObject(name),
          `${name} gets its keys from here (${record.delivery}); it is not registered as one that makes its own`,
        ),
      );
    const zone = signedZone(record, domain);
    return zone.ok ? this.#settings.mail.addKey(zone.value, name, publicKey, options) : zone;
  }

  // --- for signers ---

  async keys(visit: SignerVisit, domain?: string): Promise<Result<readonly SignerKeyForm[]>> {
    const given = await this.#give(visit, domain, (text, { key, startSeconds, endSeconds }): SignerKeyForm => ({
      domain: text,
      selector: key.selector,
      algorithm: key.algorithm,
      publicKey: key.publicKey,
      privateKey: key.privateKeyPem(),
      validFromSeconds: startSeconds,
      ...(endSeconds === undefined ? {} : { validUntilSeconds: endSeconds }),
    }));
    return given.ok ? ok(given.value.forms) : given;
  }

  async rspamdKeys(visit: SignerVisit, domain: string): Promise<Result<readonly RspamdSelector[]>> {
    const given = await this.#give(visit, domain, rspamdSelector);
    if (!given.ok) return given;
    for (const [zone, selectors] of given.value.inUse) await this.#noteUse(visit, zone, selectors);
    return ok(given.value.forms);
  }

  async acknowledge(visit: SignerVisit, domain: string, word: SignerWord, dryRun: boolean): Promise<Result<undefined>> {
    const record = await this.#admit(visit);
    if (!record.ok) return record;
    const zone = signedZone(record.value, domain);
    if (!zone.ok) return zone;
    const selectors = [...new Set(word.selectors.map((selector) => selector.toLowerCase()))];
    const options = { actor: visit.actor, dryRun };
    const done = await this.#settings.mail.acknowledge(zone.value, visit.signer, { ...word, selectors }, options);
    return done.ok ? ok(undefined, done.warnings) : done;
  }

  async exportNow(name: string, { dryRun }: SignerOptions): Promise<Result<ExportStatus>> {
    const record = this.#register.find(name);
    if (record === undefined) return fail(this.#register.notFound(name));
    if (record.files === undefined)
      return fail(problem('SIGNER_OWN_KEY', atObject(name), `${name} reads no files; it is registered with delivery ${record.delivery}`));
    assert(this.#files !== undefined, 'a process without an exporter is asked for an export');
    return dryRun ? ok(this.#files.status(name)) : this.#files.exportNow(record);
  }

  /** What its files hold: every key of its domains that may still be in use somewhere, and which of them sign now. */
  filesOf(
    record: SignerRecord,
  ): readonly { readonly domain: string; readonly keys: ReturnType<DkimKeySource['keysFor']>; readonly signing: readonly string[] }[] {
    const nowSeconds = toSeconds(this.#settings.clock.nowMs());
    return record.domains.map((domain) => {
      const keys = this.#settings.mail.keysFor(nameOf(domain));
      return { domain: withoutDot(domain), keys, signing: selectorsInUse(signingWindows(keys), nowSeconds) };
    });
  }

  /** Files with these keys are in place: the audit log has it before they are used. */
  noteExport(record: SignerRecord, detail: string): Promise<Result<unknown>> {
    const turn = { actor: EXPORTER, action: 'signer.export', upkeep: true };
    return this.#settings.funnel.change(turn, () => ok({ detail: `signer ${record.name}: ${detail}`, isChanged: true }));
  }

  /** The signer uses its files now. */
  async noteFilesInUse(record: SignerRecord): Promise<void> {
    const visit = { signer: record.name, actor: EXPORTER, from: '' };
    for (const { domain, signing } of this.filesOf(record)) await this.#noteUse(visit, nameOf(`${domain}.`), signing);
  }

  /** Checks who asks, logs, and only then opens the keys. */
  async #give<T>(
    visit: SignerVisit,
    domain: string | undefined,
    form: (domain: string, window: SigningWindow) => T,
  ): Promise<Result<{ readonly forms: readonly T[]; readonly inUse: ReadonlyMap<Name, readonly string[]> }>> {
    const record = await this.#admit(visit);
    if (!record.ok) return record;
    if (record.value.delivery !== 'fetch')
      return fail(
        problem(
          'SIGNER_OWN_KEY',
          atObject(visit.signer),
          `${visit.signer} is registered with delivery ${record.value.delivery} and fetches no keys`,
        ),
      );
    const wanted = domain === undefined ? undefined : signedZone(record.value, domain);
    if (wanted?.ok === false) return wanted;
    const zones = wanted === undefined ? record.value.domains.map((each) => nameOf(each)) : [wanted.value];
    const windows = zones.map((zone) => ({ zone, windows: signingWindows(this.#settings.mail.keysFor(zone)) }));
    const logged = await this.#log(
      visit,
      windows.flatMap((each) => each.windows.map(({ key }) => ({ zone: formatName(each.zone), selector: key.selector }))),
    );
    if (!logged.ok) return logged;
    const { clock, funnel } = this.#settings;
    this.#fetchedAtMs.set(visit.signer, clock.nowMs());
    // Opens the keys: one that does not open is the store's failure.
    return funnel.guard(async () => {
      const forms = windows.flatMap((each) => each.windows.map((one) => form(withoutDot(formatName(each.zone)), one)));
      const inUse = windows.map((each) => [each.zone, selectorsInUse(each.windows, toSeconds(clock.nowMs()))] as const);
      return ok({ forms, inUse: new Map(inUse) });
    });
  }

  /** The visitor's record; fails if the signer is unknown or the visit is not from an allowed address. */
  async #admit({ signer, from, actor }: SignerVisit): Promise<Result<SignerRecord>> {
    const record = this.#register.find(signer);
    if (record === undefined) return fail(this.#register.notFound(signer));
    if (from === 'unix' || mayAskFrom(record, from)) return ok(record);
    const { clock } = this.#settings;
    const item = { signer, from };
    if (this.#refusals.missing([item], clock.nowMs()).length > 0) {
      this.#refusals.done([item], clock.nowMs());
      const detail = `signer ${signer} asked from ${from}, which is not in ${record.allow.join(', ')}`;
      await this.#settings.funnel.change({ actor, action: 'signer.refused' }, () => ok({ detail, isChanged: true }));
    }
    return fail(
      problem('SIGNER_ADDRESS', WHOLE, `the signer ${signer} may not ask from ${from}`, {
        fix: `it may from ${record.allow.join(', ')}; to change that, register it again with --allow`,
      }),
    );
  }

  /** Entries for what this signer was not given in this hour. A key that it has already is not kept from it by a log that is full: mail would go unsigned. */
  async #log({ signer, actor, from }: SignerVisit, keys: readonly Omit<FetchedKey, 'signer'>[]): Promise<Result<undefined>> {
    const { clock, funnel } = this.#settings;
    const items = keys.map((key): FetchedKey => ({ signer, ...key }));
    for (const item of items) this.#fetches.count(item);
    if (this.#fetches.missing(items, clock.nowMs()).length === 0) return ok(undefined);
    const logged = await funnel.change({ actor, action: 'signer.fetch', upkeep: true }, () => {
      const nowMs = clock.nowMs();
      const missing = this.#fetches.missing(items, nowMs);
      if (missing.length === 0) return ok({ isChanged: false });
      const times = Math.max(...missing.map((item) => this.#fetches.countOf(item)));
      const names = missing.map(({ selector, zone }) => `${selector}._domainkey.${zone}`);
      const before = times > 1 ? `, ${times} times since the last entry` : '';
      const detail = `signer ${signer} got ${names.join(', ')} from ${from}${before}`;
      const zones = new Set(missing.map(({ zone }) => zone));
      const about = zones.size === 1 ? { zone: [...zones][0]! } : {};
      return ok({ ...about, detail, isChanged: true, afterCommit: () => this.#fetches.done(missing, nowMs) });
    });
    return logged.ok || items.every((item) => this.#fetches.isKnown(item)) ? ok(undefined) : logged;
  }

  /** What a signer that asks for each message is given, it signs with, and with nothing else: that is as good as its word. */
  async #noteUse({ signer, actor }: SignerVisit, zone: Name, selectors: readonly string[]): Promise<void> {
    const { mail } = this.#settings;
    const place = `${signer} ${formatName(zone)}`;
    const text = selectors.toSorted().join(' ');
    if (selectors.length === 0 || this.#inUse.get(place) === text || mail.policySigners(zone)?.includes(signer) !== true) return;
    // Before it is done: others that ask meanwhile need not say it too.
    this.#inUse.set(place, text);
    const done = await mail.acknowledge(zone, signer, { selectors, isAll: true }, { actor, dryRun: false });
    if (!done.ok && this.#inUse.get(place) === text) this.#inUse.delete(place);
  }

  #unlisted(domain: string, signer: string): Problem | undefined {
    const listed = this.#settings.mail.policySigners(nameOf(domain));
    if (listed?.includes(signer) === true) return undefined;
    return warning(
      'SIGNER_DOMAIN',
      atZone(domain),
      listed === undefined
        ? `${domain} has no mail policy yet, so there are no keys`
        : `the mail policy of ${domain} does not name ${signer}`,
      { fix: `with dkim.signers = ["${signer}"] in the mail policy, rotations wait until it has switched` },
    );
  }

  #view(record: SignerRecord, tokens: readonly Pick<TokenRecord, 'id' | 'scopes'>[]): SignerView {
    const fetchedAtMs = this.#fetchedAtMs.get(record.name);
    const exported = record.files === undefined ? undefined : this.#files?.status(record.name);
    return {
      ...record,
      tokens: tokensOf(record.name, tokens),
      ...(fetchedAtMs === undefined ? {} : { fetchedAtMs }),
      ...(exported === undefined ? {} : { exported }),
    };
  }
}

/** Selectors that are signed with now and can be acknowledged. A key on its way out, given for want of a better one, cannot. */
function selectorsInUse(windows: readonly SigningWindow[], nowSeconds: number): string[] {
  return signingNow(windows, nowSeconds).flatMap(({ selector, state }) => (state === 'active' ? [selector] : []));
}

const EXPORTER: SignerActor = { kind: 'system', id: 'signer-export', from: '' };

/** Files and commands are this machine's: who may say so is who may open the Unix socket, and so is this user anyway. */
function checkLocal({ files }: SignerRecord, request: SignerRequest, { kind }: SignerActor): Problem | undefined {
  if (files === undefined || kind === 'socket') return undefined;
  if (request.files?.folder === undefined && files.command.length === 0) return undefined;
  return problem('SIGNER_LOCAL', inBody('/files'), 'a folder or a command for an export can only be given over the Unix socket', {
    fix: 'run waxseal dkim signer add on the server itself, or leave --folder and the command away',
  });
}

function noZone(domain: string): Problem {
  return problem('ZONE_NOT_FOUND', atZone(domain), `the zone ${domain} is not served here`, { fix: 'list the zones: waxseal zone list' });
}
