/**
 * The key-encryption key becomes another one: every secret under it is opened and sealed again, slice by slice, in
 * turns between other changes, until none is left under the key before. A process that dies in between is
 * continued by the next.
 * Not here: what each step writes (store/kek/change.ts), the file of a key (store/kek.ts).
 */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { RESEAL_SECRETS_AT_ONCE } from '#base/limits/store.ts';
import { type Log } from '#base/log.ts';
import { atPath, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, formatProblem, ok, problem, warning } from '#base/problem.ts';
import { StoreFailure, messageOf } from '#store/failure.ts';
import { KEK_ROLE, makeKek, readKek } from '#store/kek.ts';
import { type ResealSlice } from '#store/kek/change.ts';
import { type Sealer } from '#store/seal.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Actor, type KeysApi, type ResealOptions, type ResealOutcome } from '#control/api/control.ts';
import { type Funnel } from '#control/funnel/funnel.ts';

export interface ResealParts {
  readonly writer: StoreWriter;
  readonly funnel: Funnel;
  readonly random: (bytes: number) => Uint8Array;
}

const SELF: Actor = { kind: 'system', id: 'reseal', from: '' };
/** A name beside the key's present file. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export class Reseal implements KeysApi {
  readonly #options: ResealParts;
  /** One run at a time: a second request waits for the first. */
  #running: Promise<Result<number>> | undefined;
  #stopped = false;

  constructor(options: ResealParts) {
    this.#options = options;
  }

  /** The key in `file`, which is made when it is not there, seals everything afterwards. */
  async reseal(file: string, { actor, dryRun }: ResealOptions): Promise<Result<ResealOutcome>> {
    const { writer } = this.#options;
    const before = writer.kekFile();
    if (before === undefined)
      return fail(
        refused('the store does not know the file of its key-encryption key', {
          fix: 'start the server again',
        }),
      );
    const place = this.#place(file, before, actor);
    if (!place.ok) return place;
    const path = place.value;
    const underWay = writer.kekChange();
    if (underWay !== undefined && underWay.file !== path)
      return fail(refused(`the change to the key in ${underWay.file} is under way`, { fix: 'let it end first' }));
    const isMade = !existsSync(path);
    const ofPolicyHost = writer.secretsOfPolicyHost();
    const outcome = { file: path, fileBefore: underWay?.fileBefore ?? before, isMade, ofPolicyHost };
    const warnings: Problem[] = dirname(path) === dirname(before) ? [] : [movedWarning(before, path)];
    const next = underWay === undefined && !(dryRun && isMade) ? this.#next(path) : undefined;
    if (next?.ok === false) return next;
    if (dryRun) {
      const counted = await this.#count();
      return counted.ok ? ok({ ...outcome, secrets: counted.value }, warnings) : counted;
    }
    if (next !== undefined) {
      const begun = await this.#begin(next.value, path, before, actor);
      if (!begun.ok) return begun;
    }
    const done = await this.continue();
    return done.ok ? ok({ ...outcome, secrets: done.value }, warnings) : done;
  }

  /** Seals again what is left of a change under way, and ends it; returns how many secrets it sealed. */
  continue(): Promise<Result<number>> {
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Lets the slice under way end; the next start continues. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** A change that a process before this one has begun. */
  start(log: Log): void {
    if (this.#options.writer.kekChange() === undefined) return;
    void this.#continueAndTell(log);
  }

  async #continueAndTell(log: Log): Promise<void> {
    const done = await this.continue();
    const text = 'every secret is sealed under the next key-encryption key';
    if (done.ok) log.info('kek.resealed', text, { secrets: done.value });
    else log.error('kek.not-resealed', formatProblem(done.problems[0]!));
  }

  async #begin(next: Sealer, file: string, fileBefore: string, actor: Actor): Promise<Result<unknown>> {
    const detail = `the key-encryption key becomes that in ${file}; before: ${fileBefore}`;
    return this.#options.funnel.change({ actor, action: 'kek.begin' }, () =>
      ok({ kek: { kind: 'begin', next, file, fileBefore }, detail, isChanged: true }),
    );
  }

  async #run(): Promise<Result<number>> {
    const { writer, funnel } = this.#options;
    if (writer.kekChange() === undefined) return ok(0);
    let count = 0;
    for (let slice: ResealSlice = { writes: [], isLast: false }; !slice.isLast;) {
      if (this.#stopped) return fail(problem('KEK_CHANGE', inBody(''), 'the server stops; the next start continues'));
      const sealed = await this.#slice(slice.from);
      if (!sealed.ok) return sealed;
      slice = sealed.value;
      count += slice.writes.length;
    }
    const file = writer.kekChange()?.file ?? '';
    const ended = await funnel.change({ actor: SELF, action: 'kek.end', upkeep: true }, () =>
      ok({ kek: { kind: 'end' }, detail: `every secret is under the key in ${file}`, isChanged: true }),
    );
    return ended.ok ? ok(count) : ended;
  }

  /** How many secrets would be sealed again now; one that does not open is the problem that it would be. */
  async #count(): Promise<Result<number>> {
    let count = 0;
    for (let slice: ResealSlice = { writes: [], isLast: false }; !slice.isLast; await turn()) {
      const sealed = this.#options.writer.resealSlice(slice.from, RESEAL_SECRETS_AT_ONCE);
      if (!sealed.ok) return sealed;
      slice = sealed.value;
      count += slice.writes.length;
    }
    return ok(count);
  }

  async #slice(from: Uint8Array | undefined): Promise<Result<ResealSlice>> {
    const { writer, funnel } = this.#options;
    let slice: Result<ResealSlice> = ok({ writes: [], isLast: false });
    const done = await funnel.change({ actor: SELF, action: 'kek.reseal', upkeep: true }, () => {
      slice = writer.resealSlice(from, RESEAL_SECRETS_AT_ONCE);
      return slice.ok ? ok({ secrets: slice.value.writes, isChanged: slice.value.writes.length > 0 }) : slice;
    });
    return done.ok ? slice : done;
  }

  #place(file: string, before: string, { kind }: Actor): Result<string> {
    if (NAME.test(file)) {
      const path = join(dirname(before), file);
      return path === before ? fail(refused(`${path} is the file of the key in use`)) : ok(path);
    }
    const isPath = isAbsolute(file) && resolve(file) === file;
    if (!isPath) return fail(refused('give a name beside the present file, or an absolute path'));
    // A client on the network must not make files, or learn which there are, anywhere on this machine.
    if (kind !== 'socket')
      return fail(
        refused('an absolute path is taken over the Unix socket only', {
          fix: 'name a file beside the present one',
        }),
      );
    return file === before ? fail(refused(`${file} is the file of the key in use`)) : ok(file);
  }

  /** A sealer for the key in `path`. */
  #next(path: string): Result<Sealer> {
    const { writer, random } = this.#options;
    const key = readOrMake(path, random);
    if (!key.ok) return key;
    const next = writer.sealerOf(key.value);
    key.value.fill(0);
    const label = { purpose: 'kek-trial', id: 'trial', version: 1 };
    if (next.open(label, writer.sealer.seal(label, new Uint8Array(1))).ok)
      return fail(refused(`${path} holds the key that is in use already`));
    return ok(next);
  }
}

function refused(why: string, details: { readonly fix?: string } = {}): Problem {
  return problem('KEK_CHANGE', inBody('/file'), why, details);
}

function readOrMake(path: string, random: (bytes: number) => Uint8Array): Result<Uint8Array> {
  if (existsSync(path)) return readKek(path);
  try {
    return ok(makeKek(path, random));
  } catch (error) {
    if (error instanceof StoreFailure) return fail(error.problem);
    const why = `${KEK_ROLE.key} cannot be made: ${messageOf(error)}`;
    return fail(problem('KEK_FILE', atPath(path, KEK_ROLE.file), why));
  }
}

function movedWarning(before: string, path: string): Problem {
  return warning(
    'KEK_CHANGE',
    inBody('/file'),
    `files of signers that name no folder stand beside the key: soon in ${dirname(path)}, not ${dirname(before)}`,
    {
      fix: 'name the folder with waxseal dkim signer, or keep the key in its folder',
    },
  );
}
