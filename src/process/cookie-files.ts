/**
 * The files of cookie secrets, read by the supervisor, which hands what is in them to the answer process: that one
 * reaches no such file, and a file that is replaced is another one.
 * Not here: which secret is used when (server/cookie-keeper.ts).
 */
import { readFileSync } from 'node:fs';
import { parseCookieSecret } from '#answer/defence/cookie-secrets.ts';
import { type CookieSecretTexts, type CookieSettings } from '#base/ipc/messages.ts';
import { atPath } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';

/**
 * The configured secrets, current one first, or what is wrong with their files. Only for settings with a
 * `secretFile`.
 */
export function readCookieSecrets(settings: CookieSettings): Result<CookieSecretTexts> {
  const current = readSecret(settings.secretFile ?? '');
  const other = settings.previousSecretFile === undefined ? undefined : readSecret(settings.previousSecretFile);
  if (!current.ok) return fail(...current.problems, ...(other === undefined || other.ok ? [] : other.problems));
  if (other === undefined) return ok([current.value]);
  return other.ok ? ok([current.value, other.value]) : other;
}

function readSecret(file: string): Result<string> {
  const at = atPath(file, 'the file of the cookie secret');
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail(problem('COOKIE_SECRET_FILE', at, `cannot be read: ${why}`));
  }
  if (parseCookieSecret(text) !== undefined) return ok(text.trim());
  return fail(
    problem('COOKIE_SECRET_FILE', at, 'is not a cookie secret: 32 hexadecimal digits', {
      fix: 'make one with: openssl rand -hex 16; BIND has it as cookie-secret, Knot as secret: 0x…',
    }),
  );
}
