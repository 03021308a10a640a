/**
 * Keeps the secrets of server cookies for all workers of the answer process: from files, or random and changed every COOKIE_ROTATE_MS.
 * They outlive workers; random ones end with the process, and clients then learn new cookies without noticing.
 * Implements: RFC 7873 §7.1 (lifetime of a secret), RFC 9018 §5 (the other secret's cookies are taken too).
 */
import { readFileSync } from 'node:fs';
import { CookieSecrets, COOKIE_SECRET_BYTES, parseCookieSecret } from '#answer/defence/cookie-secrets.ts';
import { type CookieSettings } from '#base/ipc.ts';
import { COOKIE_ROTATE_MS } from '#base/limits/answer.ts';
import { atPath, formatPlace } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';

export interface CookieKeeperOptions {
  readonly settings: CookieSettings;
  readonly random: (bytes: number) => Uint8Array;
  readonly log: (text: string) => void;
  readonly rotateMs?: number;
}

export class CookieKeeper {
  readonly secrets = new CookieSecrets();
  readonly #options: CookieKeeperOptions;
  #current: Uint8Array;
  #rotation: NodeJS.Timeout | undefined;

  constructor(options: CookieKeeperOptions) {
    this.#options = options;
    this.#current = options.random(COOKIE_SECRET_BYTES);
    this.secrets.set(this.#current);
    if (options.settings.secretFile === undefined) {
      this.#rotation = setInterval(() => this.#rotate(), options.rotateMs ?? COOKIE_ROTATE_MS);
      this.#rotation.unref();
    } else this.reload();
  }

  /** Reads the files again, when there are any. Bad ones change nothing; at the start that leaves random secrets, which serve this server alone. */
  reload(): void {
    const { settings, log } = this.#options;
    if (settings.secretFile === undefined) return;
    const read = readCookieSecrets(settings);
    if (read.ok) this.secrets.set(...read.value);
    else for (const each of read.problems) log(`cookie secrets stay as they are: ${formatPlace(each.at)}: ${each.message}`);
  }

  stop(): void {
    clearInterval(this.#rotation);
    this.#rotation = undefined;
  }

  #rotate(): void {
    const before = this.#current;
    this.#current = this.#options.random(COOKIE_SECRET_BYTES);
    this.secrets.set(this.#current, before);
  }
}

/** The configured secrets, current one first, or what is wrong with their files. Only for settings with a `secretFile`. */
export function readCookieSecrets(settings: CookieSettings): Result<readonly [current: Uint8Array, other?: Uint8Array]> {
  const current = readSecret(settings.secretFile ?? '');
  const other = settings.previousSecretFile === undefined ? undefined : readSecret(settings.previousSecretFile);
  if (!current.ok) return fail(...current.problems, ...(other === undefined || other.ok ? [] : other.problems));
  if (other === undefined) return ok([current.value]);
  return other.ok ? ok([current.value, other.value]) : other;
}

function readSecret(file: string): Result<Uint8Array> {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    return fail(
      problem(
        'COOKIE_SECRET_FILE',
        atPath(file, 'the file of the cookie secret'),
        `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      ),
    );
  }
  const secret = parseCookieSecret(text);
  if (secret !== undefined) return ok(secret);
  return fail(
    problem('COOKIE_SECRET_FILE', atPath(file, 'the file of the cookie secret'), 'is not a cookie secret: 32 hexadecimal digits', {
      fix: 'make one with: openssl rand -hex 16; BIND has it as cookie-secret, Knot as secret: 0x…',
    }),
  );
}
