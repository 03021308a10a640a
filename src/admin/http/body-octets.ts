/**
 * Large bodies under way. While one comes in it waits on disk, in a file that has no name any more, so that clients
 * that never end their bodies hold no memory; its octets are a budget. A whole one is read into memory, where it
 * stays until its answer has been sent; that is another budget, and so are the imports that wait with it. A body
 * whose length is not said (chunked) counts as the largest that its route takes.
 * Not here: the largest body of one route (bodyLimit, in route.ts and admin/app.ts).
 */
import { closeSync, createReadStream, write } from 'node:fs';
import { tmpdir } from 'node:os';
import { type Readable } from 'node:stream';
import { promisify } from 'node:util';
import { errorCodes, type FastifyReply, type FastifyRequest } from 'fastify';
import { unnamedFile } from '#base/folder.ts';
import { JSON_BODY_BYTES_MAX } from '#base/limits/admin.ts';
import { freeSpace, fullFailure, isOutOfSpace, mebibytes } from '#store/free-space.ts';
import type { AdminApp } from './admin-app.ts';
import { problemError } from './problems.ts';

/**
 * Puts the hook on the app. Call after the one that says who sends the request. Bodies wait in `folder`, on a file
 * system that is not memory; the system's folder for such files when absent.
 */
export function limitBodies(app: AdminApp, folder = tmpdir()): void {
  app.addHook('preParsing', async (request, reply, payload) => {
    const limit = request.routeOptions.bodyLimit;
    const stated = Number(request.headers['content-length'] ?? limit);
    // A body that is too large is answered 413 before it is read; an ordinary one is as large as any JSON may be.
    const isLarge = limit > JSON_BODY_BYTES_MAX && stated > JSON_BODY_BYTES_MAX && stated <= limit;
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isLarge || request.identity === null || isRead) return payload;
    const refusal = app.budgets.take('octets', request, reply, stated);
    if (refusal !== undefined) throw problemError([refusal]);
    checkSpace(folder, stated);
    const file = unnamedFile(folder, 'body');
    try {
      const bytes = await received(payload, file, limit);
      const crowded = takeMemory(app, request, reply, bytes);
      if (crowded !== undefined) throw problemError([crowded]);
      // It closes the file at its end; and with the answer, when it was turned away without being read.
      const stored = createReadStream('', { fd: file, start: 0 });
      reply.raw.once('close', () => stored.destroy());
      if (reply.raw.destroyed) stored.destroy();
      return Object.assign(stored, { receivedEncodedLength: bytes });
    } catch (error) {
      closeSync(file);
      throw isOutOfSpace(error) ? problemError([fullFailure(folder, 'a large body does not fit', error).problem]) : error;
    }
  });
}

function takeMemory({ budgets }: AdminApp, request: FastifyRequest, reply: FastifyReply, bytes: number) {
  // Chunked bodies may turn out small.
  if (bytes <= JSON_BODY_BYTES_MAX) return undefined;
  return budgets.take('imports', request, reply) ?? budgets.take('texts', request, reply, bytes);
}

/** Throws STORE_FULL as a problem when a body of this size would take the reserve of the disk. */
function checkSpace(folder: string, bytes: number): void {
  const { freeBytes, reserveBytes } = freeSpace(folder);
  if (freeBytes >= reserveBytes + bytes) return;
  const why = `${mebibytes(freeBytes)} MiB are free, the body takes ${mebibytes(bytes)} MiB`;
  throw problemError([fullFailure(folder, why).problem]);
}

const writeTo = promisify(write);

/** Writes all of `payload` to the file and returns its octets. Throws what Fastify does of a body that is too long. */
async function received(payload: Readable, file: number, limit: number): Promise<number> {
  let bytes = 0;
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    if (bytes + chunk.length > limit) throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE();
    for (let at = 0; at < chunk.length;) {
      const { bytesWritten } = await writeTo(file, chunk, at, chunk.length - at, bytes);
      at += bytesWritten;
      bytes += bytesWritten;
    }
  }
  return bytes;
}
