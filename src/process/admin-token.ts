/** The administrator's token file `<data>/admin.token`, made at the first start; whoever can read it may do everything. */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type Result, ok } from '#base/problem.ts';
import { type ControlApi } from '#control/api/control.ts';

/** Makes sure that `path` holds a token that works, mode 0600. A file whose token was revoked gets a new one only when it is deleted. */
export async function ensureAdminToken({ tokens }: Pick<ControlApi, 'tokens'>, path: string): Promise<Result<undefined>> {
  try {
    readFileSync(path, 'utf8');
    return ok(undefined);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const created = await tokens.create('admin.token', ['admin'], undefined, { kind: 'system', id: 'first-start', from: '' });
  if (!created.ok) return created;
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  writeFileSync(temporary, `${created.value.secret}\n`, { mode: 0o600, flag: 'wx', flush: true });
  renameSync(temporary, path);
  return ok(undefined);
}
