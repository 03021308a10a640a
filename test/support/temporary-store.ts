/**
 * A store in a folder of its own under the system's temporary folder, removed after the test, and small zones to put into it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';

import { onTestFinished } from 'vitest';

import { type Name, formatName, nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { StoreFailure } from '#store/failure.ts';
import { type AuditEvent } from '#store/audit/entries.ts';
import { NODE, encodeNode } from '#store/node-codec.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type NodeWrite, type StoreWriter, type WriterOptions, openWriter } from '#store/writer.ts';
import { type NodeRrset } from '#zone/view.ts';

export const TEST_KEK = new Uint8Array(32).fill(7);
/** 2026-01-01T00:00:00Z. */
export const TEST_NOW_MS = 1_767_225_600_000;

/** Octets that look random and are the same in every run; each call differs. */
export function countedRandom(): (bytes: number) => Uint8Array {
  let call = 0;
  return (bytes) => {
    call += 1;
    const octets = Buffer.concat(
      Array.from({ length: Math.ceil(bytes / 32) }, (_, at) => createHash('sha256').update(`random ${call} ${at}`).digest()),
    );
    return new Uint8Array(octets.subarray(0, bytes));
  };
}

/** A folder that goes when the test ends. */
export function temporaryFolder(inFolder = tmpdir()): string {
  const folder = mkdtempSync(join(inFolder, 'waxseal-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writerOptions(options: Partial<WriterOptions> = {}): WriterOptions {
  return { kek: TEST_KEK, random: countedRandom(), nowMs: TEST_NOW_MS, ...options };
}

/** A new store, or that in `in`, and its writer; both go when the test ends. */
export function temporaryStore({ in: existing, ...options }: Partial<WriterOptions> & { readonly in?: string } = {}): {
  readonly dir: string;
  readonly writer: StoreWriter;
} {
  const dir = existing ?? join(temporaryFolder(), 'store');
  const writer = openWriter(dir, writerOptions(options));
  onTestFinished(() => writer.close());
  return { dir, writer };
}

export function auditEvent(action = 'test', zone?: string): AuditEvent {
  const event = { atMs: TEST_NOW_MS, actor: { kind: 'system', id: 'test', from: '' }, action, detail: '' } as const;
  return zone === undefined ? event : { ...event, zone };
}

export function zoneRecord(id: number, name: string, serial = 1): ZoneRecord {
  return {
    id,
    name: formatName(nameOf(name)).toLowerCase(),
    dnssec: 'on',
    serial,
    revision: 0,
    nodeCount: 0,
    createdAtMs: TEST_NOW_MS,
    changedAtMs: TEST_NOW_MS,
    keys: [],
  };
}

/** A node with one record of each type, of no meaning; NSEC among the types sets its flag. */
export function nodeWrite(zoneId: number, owner: Name | string, types: readonly number[] = [TYPE.TXT], flags = 0): NodeWrite {
  const name = typeof owner === 'string' ? nameOf(owner) : owner;
  const key = ownerKey(name);
  const rrsets = types.map((type): NodeRrset => ({
    type,
    ttl: 300,
    rdatas: [Uint8Array.of(1, type & 0xff)],
    signatures: [],
    manager: 'manual',
  }));
  const nsec = types.includes(TYPE.NSEC) ? NODE.HAS_NSEC : 0;
  return { zoneId, key, value: encodeNode({ key, owner: name, rrsets }, flags | nsec) };
}

/** The failure that `action` throws. */
export function failureOf(action: () => unknown): StoreFailure {
  try {
    action();
  } catch (error) {
    if (error instanceof StoreFailure) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
