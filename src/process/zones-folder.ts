/**
 * `serve --zones FOLDER`: imports `<zone>.zone` files whose zone the store does not have yet. Zones that it has are
 * left alone, whatever the file says: from then on API and command line own them. The same goes for `<zone>.mail.toml`,
 * the zone's mail policy.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { formatProblem } from '#base/problem.ts';
import { ROOT, formatName, parseName } from '#dns/name.ts';
import { includeFrom } from '#dns/zone-file-include.ts';
import { type ControlApi } from '#control/api/control.ts';
import { parsePolicyToml } from '#mail/policy/schema.ts';

const ENDING = '.zone';
const POLICY_ENDING = '.mail.toml';

/** Imports what is missing; what cannot be imported is reported by `warn` and skipped, the rest continues. */
export async function importMissingZones(control: ControlApi, folder: string, warn: (text: string) => void): Promise<void> {
  for (const file of filesIn(folder, warn)) {
    if (!file.endsWith(ENDING)) continue;
    const zone = parseName(basename(file, ENDING), ROOT);
    if (!zone.ok) {
      warn(`${join(folder, file)} is skipped: its name is not <zone>.zone: ${zone.problems.map(formatProblem).join('; ')}`);
      continue;
    }
    if (control.zones.find(zone.value) !== undefined) continue;
    const path = join(folder, file);
    const imported = await control.run(
      { kind: 'zone.import', zone: zone.value, text: readFileSync(path, 'latin1'), file: path, dnssec: true, include: includeFrom(folder) },
      { actor: { kind: 'system', id: 'zones-folder', from: folder }, dryRun: false },
    );
    const problems = imported.ok ? imported.value.warnings : imported.problems;
    for (const each of problems) warn(formatProblem(each));
    if (!imported.ok) warn(`${formatName(zone.value)} is not imported from ${path}; nothing of it is served`);
  }
  await applyMissingPolicies(control, folder, warn);
}

async function applyMissingPolicies(control: ControlApi, folder: string, warn: (text: string) => void): Promise<void> {
  for (const file of filesIn(folder, () => undefined)) {
    if (!file.endsWith(POLICY_ENDING)) continue;
    const path = join(folder, file);
    const zone = parseName(basename(file, POLICY_ENDING), ROOT);
    const record = zone.ok ? control.zones.find(zone.value) : undefined;
    if (!zone.ok || record === undefined) {
      warn(`${path} is skipped: there is no zone of its name`);
      continue;
    }
    if (control.mail.view(record) !== undefined) continue;
    const document = parsePolicyToml(readFileSync(path, 'utf8'), path);
    const applied = !document.ok
      ? document
      : await control.run(
          { kind: 'mail.apply', zone: zone.value, policy: document.value },
          { actor: { kind: 'system', id: 'zones-folder', from: folder }, dryRun: false, mayChange: () => true },
        );
    const problems = applied.ok ? ('warnings' in applied.value ? applied.value.warnings : []) : applied.problems;
    for (const each of problems) warn(formatProblem(each));
    if (!applied.ok) warn(`the mail policy of ${formatName(zone.value)} in ${path} is not applied`);
  }
}

function filesIn(folder: string, warn: (text: string) => void): readonly string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch (error) {
    warn(`nothing is imported from ${folder}: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}
