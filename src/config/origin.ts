/**
 * Where the configuration and each of its keys come from.
 * Not here: reading them (sources.ts).
 */
import { type Place } from '#base/place.ts';

/** Where configuration comes from, already read. */
export interface ConfigSources {
  readonly file?: { readonly path: string; readonly text: string } | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** By `section.key`, as the command line gave them. */
  readonly flags: Readonly<Record<string, string | readonly string[]>>;
  /** Absolute. */
  readonly workingDirectory: string;
}

/** Where each set key came from: how to name it in a message, and what its relative paths are relative to. */
export interface Origin {
  readonly at: Place;
  readonly folder: string;
}
