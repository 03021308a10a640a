/**
 * The key that private keys of host certificates are sealed under (ADR 0007), from its file, for the two processes that
 * may have it: control, which makes the file, and the policy host, which only reads it.
 * Not here: the file's form and rights (store/kek.ts), what is sealed (host-certificate.ts).
 */
import { existsSync } from 'node:fs';
import { atPath } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { StoreFailure, messageOf } from '#store/failure.ts';
import { POLICY_HOST_KEY_ROLE, makeKek, readKek } from '#store/kek.ts';
import { type Sealer, createSealer } from '#store/seal.ts';

export interface PolicyHostKeyOptions {
  /** Absolute. */
  readonly file: string;
  readonly random: (bytes: number) => Uint8Array;
  /** The file is made when it is missing; called then. Absent: it is never made. */
  readonly onMade?: () => void;
}

export class PolicyHostKey {
  readonly #options: PolicyHostKeyOptions;
  #sealer: Sealer | undefined;

  constructor(options: PolicyHostKeyOptions) {
    this.#options = options;
  }

  /** Reads the file until that succeeds once, so that a file which is put right later needs no restart. */
  sealer(): Result<Sealer> {
    if (this.#sealer !== undefined) return ok(this.#sealer);
    const key = this.#read();
    if (!key.ok) return key;
    this.#sealer = createSealer(key.value, this.#options.random);
    key.value.fill(0);
    return ok(this.#sealer);
  }

  #read(): Result<Uint8Array> {
    const { file, random, onMade } = this.#options;
    if (onMade === undefined || existsSync(file)) return readKek(file, POLICY_HOST_KEY_ROLE);
    try {
      const key = makeKek(file, random, POLICY_HOST_KEY_ROLE);
      onMade();
      return ok(key);
    } catch (error) {
      return fail(error instanceof StoreFailure ? error.problem : this.#notMade(error));
    }
  }

  #notMade(error: unknown): Problem {
    const { key, file, unreadable, setting } = POLICY_HOST_KEY_ROLE;
    return problem(unreadable, atPath(this.#options.file, file), `${key} cannot be made: ${messageOf(error)}`, {
      fix: `name a file in ${setting} that this user may make, or make its folder`,
    });
  }
}
