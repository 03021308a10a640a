/** Requests of the admin API in front of a house whose certificates come from a pretended CA. */
import { onTestFinished } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { watchAnswers } from '../admin/documented-answers.ts';
import type { TokenScope } from '#control/api/tokens.ts';
import { type HouseOptions, certificateHouse } from './certificate-house.ts';
import { type Answered } from '../admin/mail-bench.ts';
import { TEST_ACTOR, good } from '../temporary-control.ts';

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** `call`: as the administrator unless headers say otherwise; `path` is below the zone's. */
export async function certificateBench(options: HouseOptions = {}) {
  const made = await certificateHouse(options);
  const app = await buildAdmin({ control: made.control });
  watchAnswers(app);
  onTestFinished(async () => {
    await app.close();
  });
  const token = async (...scopes: TokenScope[]) => good(await made.control.tokens.create({ name: 'test', scopes }, TEST_ACTOR)).secret;
  const admin = await token('admin');
  const call = async (
    method: Method,
    path: string,
    payload?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answered> => {
    const answer = await app.inject({
      method,
      url: `/v1/zones/post.example/${path}`,
      ...(payload === undefined ? {} : { payload }),
      headers: { authorization: `Bearer ${admin}`, ...headers },
    });
    return { status: answer.statusCode, etag: String(answer.headers['etag']), body: answer.body === '' ? {} : answer.json() };
  };
  return { made, app, call, token };
}
