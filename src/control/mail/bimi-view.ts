/**
 * Hosted logos of a zone, for people: what was uploaded, what is served of it, and what each waits for.
 * Not here: their form in the API (admin/v1/mail/bimi.ts).
 */
import { NO_BIMI } from '#mail/bimi/files.ts';
import { hostedFileUrl } from '#mail/bimi/hosted-file.ts';
import { explainMail } from '#mail/step.ts';
import { readBimiUploads } from '#store/hosted/bimi-uploads.ts';
import { type StoreReader } from '#store/reader.ts';
import { type BimiServedView, type BimiUploadView, type BimiView } from '#control/api/mail.ts';
import { type ServedZone } from '#control/commands/table.ts';
import { BIMI_MACHINES } from './bimi.ts';
import { type MailSteps } from './steps.ts';

export function bimiView(reader: StoreReader, steps: MailSteps, { record, view }: ServedZone): BimiView {
  const stored = steps.stored(record);
  const facts = steps.facts(view);
  const { objects } = (stored?.state.bimi ?? NO_BIMI).files;
  const file = (name: string, sizeBytes: number) => ({ name, url: hostedFileUrl(view.apex, name), sizeBytes });
  const uploads = Object.entries(readBimiUploads(reader, record.id)).map(([selector, upload]): BimiUploadView => {
    const { title, uploadedAtMs, logo, logoBytes, evidence, evidenceBytes = 0, evidenceEndsMs = 0 } = upload;
    const isIts = (data: (typeof objects)[number]['data']) =>
      data.selector === selector && data.logo === logo && data.evidence === evidence;
    const stage = objects.find(({ data }) => isIts(data))?.stage;
    return {
      selector,
      title,
      uploadedAtMs,
      logo: file(logo, logoBytes),
      ...(evidence === undefined ? {} : { evidence: { ...file(evidence, evidenceBytes), endsMs: evidenceEndsMs } }),
      ...(stage === undefined ? {} : { stage }),
    };
  });
  const served = objects.map(({ id, stage, enteredAtMs, data: { selector, logo, evidence } }): BimiServedView => {
    const evidenceUrl = evidence === undefined ? {} : { evidenceUrl: hostedFileUrl(view.apex, evidence) };
    const sinceMs = enteredAtMs + facts.wallOffsetMs;
    return { object: id, selector, stage, sinceMs, logoUrl: hostedFileUrl(view.apex, logo), ...evidenceUrl };
  });
  const explained =
    stored === undefined ? [] : explainMail(stored.state, { domain: view.apex, policy: stored.policy, view, facts });
  return {
    uploads,
    served,
    lines: explained.filter(({ machine }) => BIMI_MACHINES.includes(machine)).flatMap(({ lines }) => lines),
  };
}
