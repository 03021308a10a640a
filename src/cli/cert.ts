/** `waxseal cert`: certificates of hosts. The verbs are in files of their own. */
import { type Command } from 'commander';
import { defineDeployHook } from './cert-deploy-hook.ts';
import { defineCertOrders } from './cert-list.ts';
import { type Terminal } from './terminal.ts';

export function defineCert(noun: Command, terminal: Terminal): void {
  defineCertOrders(noun, terminal);
  defineDeployHook(noun, terminal);
}
