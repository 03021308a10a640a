/** The administrator's token `<data>/admin.token`, made at the first start; a user who reads it may do everything. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Result, fail, ok } from '#base/problem.ts';
import { type ControlApi } from '#control/api/control.ts';
import { folderFailure } from '#store/failure.ts';

const ACTOR = { kind: 'system', id: 'first-start', from: '' } as const;

/**
 * Makes sure that `path` holds a token that works, mode 0600. A file whose token was revoked gets a new one only when
 * it is deleted.
 */
export async function ensureAdminToken({ tokens }: Pick<ControlApi, 'tokens'>, path: string): Promise<Result<undefined>> {
  try {
    if (existsSync(path)) {
      readFileSync(path, 'utf8');
      return ok(undefined);
    }
    const created = await tokens.create({ name: 'admin.token', scopes: ['admin'] }, ACTOR);
    if (!created.ok) return created;
    const temporary = `${path}.${randomBytes(4).toString('hex')}`;
    writeFileSync(temporary, `${created.value.secret}\n`, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(temporary, path);
    return ok(undefined);
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    return fail(folderFailure(dirname(path), error, `the administrator's token ${path} cannot be had`).problem);
  }
}
