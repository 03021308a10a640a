/**
 * What the process of an import does: decides, plans, signs and checks it on a snapshot of the store, as a turn of the
 * control process would. The names go to a file, everything else goes back as data.
 *
 * It has the zone's own signing keys and no others, sealed under a key that is made for this one import: the
 * key-encryption key stays in the control process (docs/adr/0007-which-process-holds-which-secret.md).
 * Not here: the two ends (import-process.ts, import-child.ts), who asks and what becomes of the answer (imports.ts).
 */
import { randomBytes } from 'node:crypto';
import { CHANGESET_LINES_MAX } from '#base/limits/changes.ts';
import { JOURNAL_CHANGESET_BYTES_MAX } from '#base/limits/store.ts';
import { type Problem } from '#base/problem.ts';
import { latin1 } from '#base/bytes.ts';
import { type DecisionStore } from '#control/commands/decision-store.ts';
import { type StoreReader } from '#store/reader.ts';
import { encodeNode } from '#store/node-codec.ts';
import { createSealer } from '#store/seal.ts';
import { type StoreWrite } from '#store/writer.ts';
import { changesetLines } from '#zone/changeset-text.ts';
import { type Prepared } from '#control/commands/decision.ts';
import { type Done, makeReady } from '#control/funnel/carry-out.ts';
import { ZonePreparer } from '#control/signing/prepare.ts';
import { decideFile, decideRollback, decideTransfer } from './decide.ts';
import { NodeFileWriter } from './node-file.ts';
import { type ImportStep } from './progress.ts';
import { type ImportRequest } from './work.ts';

/** What is to be written; the names are in the file. */
export interface ImportMade {
  readonly warnings: readonly Problem[];
  readonly parts: readonly Prepared[];
  readonly changed: boolean;
  /** Undefined when nothing is to be written. */
  readonly write: Omit<StoreWrite, 'nodes'> | undefined;
  readonly fileBytes: number;
  /** Names of the zone that are written, hashed ones too. */
  readonly names: number;
  /** What of a transfer was left out, a line each. */
  readonly notes: readonly string[];
}

export type ImportReply =
  | { readonly kind: 'made'; readonly made: ImportMade }
  | { readonly kind: 'rejected'; readonly problems: readonly Problem[] }
  /** A fault of the program. */
  | { readonly kind: 'failed'; readonly why: string };

/** The files of an import, open. */
export interface ImportFiles {
  /** What is read. Called once: after that nothing here keeps it. */
  readonly readInput: () => Buffer;
  /** For the names. */
  readonly nodes: number;
  /** Receives how far it is. */
  readonly tell?: (step: ImportStep) => void;
}

/** Does it all; the store is only read. Throws what the disk says, and StoreFailure. */
export async function makeImport(
  request: ImportRequest,
  reader: StoreReader,
  { readInput, nodes: file, tell = () => {} }: ImportFiles,
): Promise<Exclude<ImportReply, { kind: 'failed' }>> {
  const { sessionKey, newZoneId, secrets, turn, countedMs, signing } = request;
  const sealing = { sealer: createSealer(sessionKey, randomBytes), nextZoneId: () => newZoneId };
  const writer: DecisionStore = Object.assign(reader, sealing);
  const clock = { nowMs: () => request.nowMs };
  tell({ stage: 'reading' });
  const { work } = request;
  const notes: string[] = [];
  const decide = () => {
    if (work.kind === 'file') return decideFile(request, work, latin1(readInput()), writer);
    if (work.kind === 'rollback') return decideRollback(request, work, writer);
    return decideTransfer(request, work, readInput(), writer, notes);
  };
  const decided = await decide();
  if (!decided.ok) return { kind: 'rejected', problems: decided.problems };
  tell({ stage: 'planning' });
  const names = new NodeFileWriter(file);
  const preparer = new ZonePreparer({
    writer,
    clock,
    random: randomBytes,
    signingClock: { read: () => signing, problem: () => undefined },
    countedMs: () => request.writtenByMs,
    sealedSecret: (_zoneId, id) => secrets.get(id),
    onSigned: (done, total) => tell({ stage: 'signing', done, total }),
    writeNew: (zoneId, { node, flags }, isHashed = false) => {
      if (turn.dryRun !== true) names.write({ zoneId, key: node.key, value: encodeNode(node, flags), isHashed });
    },
  });
  const ready = await makeReady(decided.value, turn, { clock, preparer, writer, countedMs: () => countedMs });
  if (!ready.ok) return { kind: 'rejected', problems: ready.problems };
  tell({ stage: 'writing' });
  const { done, write } = ready.value;
  const warnings = [...(decided.value.warnings ?? []), ...ready.warnings];
  for (const each of write?.nodes ?? []) names.write(each);
  const fileBytes = names.end();
  const { id: ownId = newZoneId } = writer.zoneByName(request.zone) ?? {};
  const own = done.parts.find(({ record }) => record.id === ownId);
  const count = own?.written?.nodeCount ?? (own === undefined ? 0 : own.plan.nodes.size + own.plan.hashed.size);
  const made = { ...summary(done), warnings, fileBytes, names: count, notes, write: write && withoutLarge(write) };
  return { kind: 'made', made };
}

/** Without names, which are in the file, and without changesets that are larger than the journal keeps. */
function withoutLarge({ nodes: _nodes, ...write }: StoreWrite): ImportMade['write'] {
  const { journal = [] } = write;
  const light = journal.map((entry) => {
    const { length } = entry.changeset;
    return length <= JOURNAL_CHANGESET_BYTES_MAX
      ? entry
      : { ...entry, changeset: new Uint8Array(0), omittedBytes: length };
  });
  return { ...write, journal: light };
}

/** A decision without what takes memory: names are in the file, and records are shown as lines. */
function summary({ parts, changed }: Done): Pick<ImportMade, 'parts' | 'changed'> {
  const nothing = { nodes: new Map(), hashed: new Map() };
  return {
    changed,
    parts: parts.map((part) => {
      const { changeset } = part.plan;
      const light = { ...changeset, deleted: [], added: [] };
      const plan = { ...part.plan, ...nothing, changeset: light };
      return { ...part, plan, shown: part.shown ?? changesetLines(changeset, CHANGESET_LINES_MAX) };
    }),
  };
}
