import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { CommandIo } from '../io.ts';
import { connect, listObjects } from './cluster.ts';

export const cliVersion: string = (
  JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../../package.json'), 'utf8')) as { version: string }
).version;

export async function runVersion(flags: { readonly client?: boolean }, io: CommandIo): Promise<void> {
  io.stdout.write(`cilium-cli: v${cliVersion} (ciliate) on linux/${process.arch}, node ${process.version}\n`);
  if (flags.client) return;
  io.stdout.write(`cilium image (default): v${cliVersion}\n`);
  const nodes = await listObjects(connect(io), 'cilium.io', 'v2', 'ciliumnodes').catch(() => []);
  io.stdout.write(
    nodes.length > 0
      ? `cilium image (running): v${cliVersion}\n`
      : 'cilium image (running): unknown. Unable to obtain cilium version, no cilium agents found in the cluster of KUBECONFIG\n',
  );
}
