/**
 * `/v1/signers/{signer}/export`: the files of a signer that reads its keys from files. Not here: writing them
 * (control/signers/).
 */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import type { ExportStatus } from '#control/api/signers.ts';
import { isoTime } from '#admin/http/form.ts';
import { Time, signerParams } from '#admin/http/schemas.ts';
import { writeRoute } from '#admin/http/write-route.ts';

export const ExportForm = Type.Object({
  state: Type.String({ description: 'waiting, current or failing' }),
  version: Type.Optional(Type.String()),
  exportedAt: Type.Optional(Time),
  failure: Type.Optional(Type.String()),
  nextTryAt: Type.Optional(Time),
});

export function exportForm({ state, version, exportedAtMs, failure, nextTryAtMs }: ExportStatus) {
  return { state, version, exportedAt: isoTime(exportedAtMs), failure, nextTryAt: isoTime(nextTryAtMs) };
}

export const signerExportRoutes = [
  writeRoute({
    method: 'POST',
    url: '/v1/signers/:signer/export',
    access: 'admin',
    tag: 'signers',
    summary: "Write a signer's files now and run its command",
    params: signerParams('mx3'),
    answers: { 200: Type.Object({ ...ExportForm.properties, dryRun: Type.Boolean() }) },
    write: async ({ control, params: { signer }, actor, dryRun }) => {
      const exported = await control.signers.exportNow(signer, { actor, dryRun });
      return exported.ok ? ok({ ...exportForm(exported.value), dryRun }) : exported;
    },
  }),
];
