/**
 * Entry of the process that touches signers' folders: one job after another, until its parent has gone or sends it
 * away.
 * Not here: what is done (folder-jobs.ts), how long it may take (folder-processes.ts).
 */
import { assert } from '#base/assert.ts';
import { type FolderRequest, type FolderStop, doFolderJob } from './folder-jobs.ts';

process.title = 'waxseal signer files';
const own = process;
assert(own.send !== undefined, 'the process for signer files is started by the control process only');
const stopping = new AbortController();

own.on('message', (message: FolderRequest | FolderStop) => {
  if (message.kind === 'stop') return stopping.abort();
  void doFolderJob(message, stopping.signal).then((reply) => own.connected && own.send!(reply));
});
// The parent has gone: a command that still runs is killed before this process ends.
own.on('disconnect', () => stopping.abort());
// What is meant for the server is not for this process: its parent says when to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) own.on(signal, () => {});
