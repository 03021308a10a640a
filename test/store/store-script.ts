/**
 * What store tests let another process or thread do. Arguments: what, the store's folder, a number.
 *   hold           opens the writer and stays
 *   follow         prints each generation a reader sees, until the number is reached; follow-thread posts it instead
 *   commits        commits until killed, two names with the same content each time; prints the number of each acknowledged one
 *   removals       the same, and after every third commit the oldest entries of the audit log go
 *   one-commit     makes the store, commits once, prints how it went
 */
import { writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';

import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { AUDIT_REMOVAL } from '#store/audit/chain.ts';
import { StoreFailure } from '#store/failure.ts';
import { NODE, encodeNode } from '#store/node-codec.ts';
import { openReader } from '#store/reader.ts';
import { type NodeWrite, type StoreWrite, openWriter } from '#store/writer.ts';

const [what = '', dir = '', number = '0'] = process.argv.slice(2);
const options = { kek: new Uint8Array(32).fill(7), random: (bytes: number) => new Uint8Array(bytes).fill(3), nowMs: Date.now() };
const say = (text: string): void => void (parentPort === null ? writeSync(1, `${text}\n`) : parentPort.postMessage(text));

/** One node with a TXT record that says `content`. */
function node(name: string, content: number, flags = 0): NodeWrite {
  const owner = nameOf(name);
  const key = ownerKey(owner);
  const rdata = Buffer.alloc(400, 1);
  rdata.writeUInt32BE(content, 1);
  const rrsets = [{ type: TYPE.TXT, ttl: 1, rdatas: [rdata], signatures: [], manager: 'manual' as const }];
  return { zoneId: 1, key, value: encodeNode({ key, owner, rrsets }, flags) };
}

function write(content: number): StoreWrite {
  const record = { id: 1, name: 'example.', dnssec: 'off', serial: content, revision: 0, nodeCount: 0, keys: [] } as const;
  return {
    audit: { atMs: Date.now(), actor: { kind: 'system', id: 'script', from: '' }, action: 'script', detail: String(content) },
    zones: { put: [{ ...record, createdAtMs: 0, changedAtMs: 0 }] },
    nodes: [node('example.', content, NODE.APEX), node('a.example.', content), node(`n${content}.example.`, content)],
    journal: [{ zoneId: 1, fromSerial: content - 1, toSerial: content, changeset: new Uint8Array(3000) }],
  };
}

async function follow(): Promise<void> {
  const reader = openReader(dir);
  say(`generation ${reader.generation()}`);
  while (reader.generation() < Number(number)) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (reader.refresh().moved) say(`generation ${reader.generation()}`);
  }
  await reader.close();
}

async function commits(isRemoving: boolean): Promise<void> {
  const writer = openWriter(dir, options);
  for (let content = (writer.zoneById(1)?.serial ?? 0) + 1; ; content++) {
    await writer.commit(write(content));
    if (isRemoving && content % 3 === 0) {
      const { audit } = write(content);
      if (audit.action === undefined) throw new Error('not reached');
      await writer.commit({ audit: { ...audit, action: AUDIT_REMOVAL }, auditThrough: writer.auditRange().last - 2 });
    }
    say(String(content));
  }
}

/** With upkeep set, so that only the disk itself can refuse. */
async function oneCommit(): Promise<void> {
  const writer = openWriter(dir, options);
  say('open');
  for (let content = 1; content <= Number(number); content++) {
    try {
      await writer.commit({ ...write(content), upkeep: true });
      say(`committed ${content}`);
    } catch (error) {
      say(`${error instanceof StoreFailure ? error.code : String(error)} ${content} generation ${writer.generation()}`);
    }
  }
  say(`broken ${writer.broken !== undefined}`);
}

switch (what) {
  case 'hold':
    // Nothing refers to the writer: its lock must outlive it.
    openWriter(dir, options);
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      globalThis.gc?.();
    }
    say(globalThis.gc === undefined ? 'run me with --expose-gc' : 'held');
    setInterval(() => undefined, 1000);
    break;
  case 'follow':
  case 'follow-thread':
    await follow();
    break;
  case 'commits':
    await commits(false);
    break;
  case 'removals':
    await commits(true);
    break;
  case 'one-commit':
    await oneCommit();
    break;
  default:
    throw new Error(`unknown script ${what}`);
}
