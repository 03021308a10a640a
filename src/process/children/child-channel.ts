/**
 * The supervisor's end of a channel to a child: JSON texts, one a line, as Node's own channel in the child writes and
 * reads them. Node's end of it is not used here: it takes lines without a limit, throws for one that is no JSON,
 * and obeys messages that are meant for Node itself (`NODE_…`), so that a child that was taken over could end the
 * supervisor.
 * Not here: what a message must look like (base/ipc/form.ts), starting children (supervised-child.ts).
 */
import { type ChildProcess } from 'node:child_process';
import { type Duplex } from 'node:stream';
import { MESSAGE_BYTES_MAX } from '#base/limits/process.ts';

/** The descriptor of the channel in the child; 0 to 2 are its standard streams. */
const DESCRIPTOR = 3;

/** With these a child finds its channel. */
export const CHANNEL_VARIABLES = {
  NODE_CHANNEL_FD: String(DESCRIPTOR),
  NODE_CHANNEL_SERIALIZATION_MODE: 'json',
} as const;
export const CHANNEL_STDIO: ('ignore' | 'inherit' | 'pipe')[] = ['ignore', 'inherit', 'inherit', 'pipe'];

const LINE_FEED = 0x0a;

export class ChildChannel {
  readonly #stream: Duplex;
  readonly #receive: (value: unknown) => void;
  /** Of a line that has not ended yet. */
  #parts: Uint8Array[] = [];
  #bytes = 0;

  /** `receive` gets each line as a value, and undefined for one that is no JSON, or too long. */
  constructor(child: ChildProcess, receive: (value: unknown) => void) {
    this.#stream = child.stdio[DESCRIPTOR] as Duplex;
    this.#receive = receive;
    this.#stream.on('data', (chunk: Uint8Array) => this.#take(chunk));
    // The child has ended, or closed it: `exit` tells.
    this.#stream.on('error', () => undefined);
  }

  get isOpen(): boolean {
    return this.#stream.writable;
  }

  /** `done` is called when the kernel has it, with an error when it never will. */
  send(message: object, done: (error?: Error | null) => void): void {
    this.#stream.write(`${JSON.stringify(message)}\n`, done);
  }

  #take(chunk: Uint8Array): void {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      this.#keep(chunk.subarray(from, end));
      this.#end();
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
  }

  /** Of a line that is too long only its length is kept. */
  #keep(part: Uint8Array): void {
    this.#bytes += part.length;
    if (this.#bytes > MESSAGE_BYTES_MAX) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  #end(): void {
    const isTooLong = this.#bytes > MESSAGE_BYTES_MAX;
    const text = isTooLong ? '' : Buffer.concat(this.#parts).toString('utf8');
    this.#parts = [];
    this.#bytes = 0;
    this.#receive(parsed(text));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
