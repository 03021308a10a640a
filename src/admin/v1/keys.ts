/** `/v1/keys/reseal`: the key-encryption key of the store becomes another one. */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import { problemForm } from '#admin/http/problems.ts';
import { closed } from '#admin/http/schemas.ts';
import { writeRoute } from '#admin/http/write-route.ts';

export const keysRoutes = [
  writeRoute({
    method: 'POST',
    url: '/v1/keys/reseal',
    access: 'admin',
    tag: 'server',
    summary: 'Seal every secret of the store under another key-encryption key',
    description:
      'In slices, between other changes. A server that dies in between continues when it starts again, and needs ' +
      'both files until then. A file that is not there is made. An absolute path is for the Unix socket.',
    body: closed({
      file: Type.String({ maxLength: 1024, description: 'a name beside the present file, or an absolute path' }),
    }),
    example: { file: 'kek-2027' },
    answers: {
      200: Type.Object({
        file: Type.String(),
        fileBefore: Type.String({ description: 'not needed any more' }),
        made: Type.Boolean(),
        secrets: Type.Integer({ description: 'how many were, or would be, sealed again' }),
        ofPolicyHost: Type.Integer({ description: 'how many are under the key in https.key_file, which stays' }),
        dryRun: Type.Boolean(),
        warnings: Type.Array(Type.Unknown()),
      }),
    },
    write: async ({ control, body: { file: given }, actor, dryRun }) => {
      const done = await control.keys.reseal(given, { actor, dryRun });
      if (!done.ok) return done;
      const { isMade: made, ...sealed } = done.value;
      return ok({ ...sealed, made, dryRun, warnings: done.warnings.map(problemForm) });
    },
  }),
];
