/** Requests about the mail of one zone to an app in front of a real control process's parts over a temporary store. */
import { onTestFinished } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { watchAnswers } from './documented-answers.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import type { TokenScope } from '#control/api/tokens.ts';
import { MAIL_ZONE_TEXT, TEST_ACTOR, type TestControl, type TestControlOptions, good, temporaryControl } from '../temporary-control.ts';

export const MAIL_ZONE = 'post.example';

/** No MTA-STS, and one key of the host mx1. */
export const MAIL_POLICY = { mtaSts: { mode: 'off' }, dane: { hosts: { mx1: { keys: [`3 1 1 ${'11'.repeat(32)}`] } } } };

export interface Answered {
  readonly status: number;
  readonly etag: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface MailBench extends TestControl {
  readonly app: AdminApp;
  /** As the administrator unless headers say otherwise; `path` is below the zone's. */
  readonly call: (
    method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    payload?: string | Buffer | object,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Answered>;
  readonly token: (...scopes: TokenScope[]) => Promise<string>;
}

/** The zone post.example, with `policy` applied when one is given. */
export async function mailBench(policy?: object, options: TestControlOptions = {}): Promise<MailBench> {
  const control = temporaryControl(options);
  await control.load(`${MAIL_ZONE}.`, MAIL_ZONE_TEXT);
  const app = await buildAdmin({ control: control.control });
  watchAnswers(app);
  onTestFinished(async () => {
    await app.close();
  });
  const token: MailBench['token'] = async (...scopes) =>
    good(await control.control.tokens.create({ name: 'test', scopes }, TEST_ACTOR)).secret;
  const admin = await token('admin');
  const call: MailBench['call'] = async (method, path, payload, headers = {}) => {
    const answer = await app.inject({
      method,
      url: `/v1/zones/${MAIL_ZONE}/${path}`,
      ...(payload === undefined ? {} : { payload }),
      headers: { authorization: `Bearer ${admin}`, ...headers },
    });
    return { status: answer.statusCode, etag: String(answer.headers['etag']), body: answer.json() };
  };
  if (policy !== undefined) await call('PUT', 'mail', policy);
  return { ...control, app, call, token };
}
