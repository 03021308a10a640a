/**
 * Certificates that others renew: each file has a chain and its private key in PEM. It is read when it changes, and
 * becomes the certificate of each of its names in our zones. A file that is no good changes nothing: what is served
 * stays, and an alert says why.
 * Not here: the checks of a chain (certificate/chain.ts), where it is kept (store/tls/host-certificate.ts).
 */
import { type KeyObject, createPrivateKey } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { type Clock } from '#base/clock.ts';
import { CERTIFICATE_FILES_LOOK_MS, CERTIFICATE_FILE_BYTES_MAX } from '#base/limits/acme.ts';
import { CERTIFICATE_UNSERVED_ALARM_MS } from '#base/limits/acme.ts';
import { type Log } from '#base/log.ts';
import { atObject, atPath } from '#base/place.ts';
import { type Problem, type Result, fail, formatProblem, ok, problem } from '#base/problem.ts';
import { type CheckedChain, chainFingerprints, checkChain } from '#certificate/chain.ts';
import { type Name, nameOf, parseName } from '#dns/name.ts';
import { BIMI_HOST_LABEL } from '#mail/bimi/hosted-file.ts';
import { type Sealer } from '#store/seal.ts';
import { hostKeyWrite, readHostCertificate } from '#store/tls/host-certificate.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Actor, type Command, type Outcome, type RunOptions } from '#control/api/control.ts';
import { type OwnHostLook, judgeServed } from '#control/outside/own-host-look.ts';
import { type KeyRecords } from './dane.ts';
import { isUsableHost } from './wanted.ts';

export interface CertificateFilesOptions {
  readonly writer: StoreWriter;
  readonly clock: Clock;
  readonly sealer: () => Result<Sealer>;
  readonly run: (command: Command, options: RunOptions) => Promise<Result<Outcome>>;
  readonly alert: (zone: string | undefined, problems: readonly Problem[]) => Promise<void>;
  /** The zone that a name is in; undefined: none of ours. */
  readonly zoneOf: (name: Name) => ZoneRecord | undefined;
  /** Called after an installation in the zone. */
  readonly notice: (zone: Name) => void;
  /** TLSA records of hosts, which a file's key waits for. */
  readonly keyRecords: KeyRecords;
  /** Looks at our own policy host; absent: there is none. */
  readonly look: OwnHostLook | undefined;
}

interface Loaded {
  readonly chain: CheckedChain;
  readonly key: KeyObject;
}

/** A file as it was last seen. */
interface Seen {
  /** Another one when the file is another: which it is, when it changed, and how long it is. */
  readonly mark: string;
  readonly loaded?: Loaded;
}

const ACTOR: Actor = { kind: 'system', id: 'certificate-files', from: '' };
const ROLE = 'a file of https.certificate_files';
const KEY_BLOCK = /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END (?:RSA |EC )?PRIVATE KEY-----/;

export class CertificateFiles {
  readonly #files: readonly string[];
  readonly #options: CertificateFilesOptions;
  readonly #log: Log;
  readonly #seen = new Map<string, Seen>();
  /** Problems that were reported, so that each is once. */
  readonly #reported = new Map<string, string>();
  /** By host: what a certificate waits for, as it was last logged. */
  readonly #waiting = new Map<string, string>();
  /** By host: since when a certificate is installed and was not seen served. */
  readonly #unconfirmed = new Map<string, number>();
  /** By host: the chain that was seen served. */
  readonly #confirmed = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(files: readonly string[], options: CertificateFilesOptions, log: Log) {
    this.#files = files;
    this.#options = options;
    this.#log = log;
  }

  start(): void {
    const look = (): void => {
      this.#running = this.look().finally(() => {
        if (!this.#isStopped) this.#timer = setTimeout(look, CERTIFICATE_FILES_LOOK_MS);
      });
    };
    look();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Reads what has changed, and installs what is not installed yet. */
  async look(): Promise<void> {
    for (const file of this.#files) {
      const done = await this.#lookAt(file);
      await this.#report(file, done.ok ? [] : done.problems);
    }
  }

  async #lookAt(file: string): Promise<Result<undefined>> {
    const before = this.#seen.get(file);
    const mark = await markOf(file);
    if (!mark.ok) return mark;
    if (before?.mark !== mark.value) {
      const loaded = await load(file, this.#options.clock.nowMs());
      this.#seen.set(file, { mark: mark.value, ...(loaded.ok ? { loaded: loaded.value } : {}) });
      if (!loaded.ok) return loaded;
    }
    const { loaded } = this.#seen.get(file)!;
    // As it was when it was found to be no good.
    if (loaded === undefined) return fail(unusable(file, this.#reported.get(file) ?? ''));
    for (const host of hostsOf(loaded.chain.names)) {
      const installed = await this.#install(host, loaded, file);
      if (!installed.ok) return installed;
    }
    return ok(undefined);
  }

  async #install(host: string, { chain, key }: Loaded, file: string): Promise<Result<undefined>> {
    const { writer, zoneOf, notice, run, clock } = this.#options;
    const name = parseName(`${host}.`);
    const record = name.ok ? zoneOf(name.value) : undefined;
    if (record === undefined) return ok(undefined);
    const before = readHostCertificate(writer, record.id, host);
    if (before?.origin === 'file' && before.chain === chain.pem) return this.#confirm(host, record, chain.pem);
    const early = await this.#announce(host, record, chain.pem);
    if (early === undefined || !early.ok) return early ?? ok(undefined);
    const sealer = this.#options.sealer();
    if (!sealer.ok) return sealer;
    const keyVersion = (before?.keyVersion ?? 0) + 1;
    const { notBeforeMs, notAfterMs, pem } = chain;
    const der = key.export({ type: 'pkcs8', format: 'der' });
    const secret = hostKeyWrite(sealer.value, record.id, host, { der, version: keyVersion });
    der.fill(0);
    const certificate = { host, chain: pem, keyVersion, notBeforeMs, notAfterMs, origin: 'file' } as const;
    const zone = nameOf(record.name);
    const done = await run({ kind: 'certificate.install', zone, certificate, secret }, { actor: ACTOR, dryRun: false });
    if (!done.ok) return done;
    this.#log.info('certificate.file', `${host} has the certificate in ${file}`, { host, file });
    this.#unconfirmed.set(host, clock.nowMs());
    notice(zone);
    return ok(undefined);
  }

  /** Has the TLSA record of its key published, where the host has such records; undefined: it is not to be used yet. */
  async #announce(host: string, record: ZoneRecord, pem: string): Promise<Result<true> | undefined> {
    const { keyRecords } = this.#options;
    const ordered = await this.#order(keyRecords.announcements(record, host, pem));
    if (!ordered.ok) return ordered;
    const { isMet, text } = keyRecords.verdict(record, host, pem);
    const why = isMet ? '' : `${host} keeps the certificate that it has: ${text}`;
    if (why !== (this.#waiting.get(host) ?? '') && why !== '') this.#log.info('certificate.file-waits', why, { host });
    this.#waiting.set(host, why);
    return isMet ? ok(true) : undefined;
  }

  /** A file's certificate is in use when the policy host was seen with it; from then on its key counts as used. */
  async #confirm(host: string, record: ZoneRecord, pem: string): Promise<Result<undefined>> {
    const { look, keyRecords, clock } = this.#options;
    const sinceMs = this.#unconfirmed.get(host);
    const isKnown = sinceMs === undefined && this.#confirmed.get(host) === pem;
    if (isKnown) return ok(undefined);
    if (look !== undefined) {
      const expected = { kind: 'certificate' as const, host, chain: chainFingerprints(pem) };
      const failed = (error: unknown) => ({ isGood: false, text: reasonOf(error) });
      const seen = await look(host).then((shown) => judgeServed(expected, shown), failed);
      const isLate = clock.nowMs() - (sinceMs ?? 0) >= CERTIFICATE_UNSERVED_ALARM_MS;
      if (!seen.isGood && sinceMs === undefined) this.#unconfirmed.set(host, clock.nowMs());
      if (!seen.isGood) return sinceMs !== undefined && isLate ? fail(unserved(host, seen.text)) : ok(undefined);
    }
    const ordered = await this.#order(keyRecords.activations(record, host));
    if (!ordered.ok) return ordered;
    this.#unconfirmed.delete(host);
    this.#confirmed.set(host, pem);
    return ok(undefined);
  }

  async #order(commands: readonly Command[]): Promise<Result<true>> {
    for (const command of commands) {
      const done = await this.#options.run(command, { actor: ACTOR, dryRun: false });
      if (!done.ok) return done;
    }
    return ok(true);
  }

  async #report(file: string, problems: readonly Problem[]): Promise<void> {
    const [first] = problems;
    const text = first?.message ?? '';
    if (text === (this.#reported.get(file) ?? '')) return;
    this.#reported.set(file, text);
    if (first === undefined) return;
    this.#log.warn('certificate.file-unusable', formatProblem(first), { file });
    await this.#options.alert(undefined, problems);
  }
}

async function markOf(file: string): Promise<Result<string>> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    if (size > CERTIFICATE_FILE_BYTES_MAX) return fail(unusable(file, `it has ${size} octets, too many for a chain`));
    return ok(`${ino} ${mtimeMs} ${size}`);
  } catch (error) {
    return fail(unusable(file, reasonOf(error)));
  }
}

async function load(file: string, nowMs: number): Promise<Result<Loaded>> {
  let text: string;
  try {
    text = await readFile(file, 'latin1');
  } catch (error) {
    return fail(unusable(file, reasonOf(error)));
  }
  const block = KEY_BLOCK.exec(text)?.[0];
  const key = block === undefined ? undefined : readKey(block);
  if (key === undefined) return fail(unusable(file, 'it contains no private key in PEM, or one with a passphrase'));
  const chain = checkChain(text, { privateKey: key, nowMs, at: atPath(file, ROLE) });
  if (!chain.ok) return fail(...chain.problems.map(({ message }) => unusable(file, message)));
  if (hostsOf(chain.value.names).length > 0) return ok({ chain: chain.value, key });
  return fail(unusable(file, 'its certificate has no DNS name of a host'));
}

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/** Its names; a wildcard stands for the hosts that a mail domain needs. */
function hostsOf(names: readonly string[]): string[] {
  const wild = (name: string) => ['mta-sts.', `${BIMI_HOST_LABEL}.`].map((label) => name.replace('*.', label));
  const hosts = names.flatMap((name) => (name.startsWith('*.') ? wild(name) : [name]));
  return [...new Set(hosts)].filter(isUsableHost);
}

function unserved(host: string, text: string): Problem {
  return problem('CERTIFICATE_UNSERVED', atObject(host), `its certificate is installed, and is not served: ${text}`, {
    fix: 'see what the policy host says in the log (https.…), and restart it; it is looked at again',
  });
}

function unusable(file: string, why: string): Problem {
  return problem('CERTIFICATE_FILE', atPath(file, ROLE), why, {
    fix: 'write chain and key into one PEM file and rename it to this one; what is served stays until then',
  });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
