import type { CommandIo } from '../io.ts';
import { changeConfig, connect, listObjects } from './cluster.ts';
import { untilObserved } from './observed.ts';
import { cliVersion } from './version.ts';

export interface InstallFlags {
  readonly datapathMode?: 'vxlan' | 'tunnel' | 'direct' | 'native';
  readonly config: Readonly<Record<string, string>>;
}

const observedTimeoutMs = 300_000;

/**
 * "Installs" on a cluster that has its Cilium built in: brings the settings to what was asked and waits until every agent has put them into force.
 * `vxlan` is not a value that Cilium lists, but what its users write for the tunnel; it is taken as such.
 */
export async function runInstall(flags: InstallFlags, io: CommandIo): Promise<void> {
  const client = connect(io);
  const nodes = await listObjects(client, '', 'v1', 'nodes');
  const say = (text: string): void => void io.stdout.write(`${text}\n`);
  say('🔮 Auto-detected Kubernetes kind: ciliate');
  say(`ℹ️  Using Cilium version ${cliVersion}`);
  say('🔮 Auto-detected cluster name: ciliate');
  const direct = flags.datapathMode === 'direct' || flags.datapathMode === 'native';
  const routing: Record<string, string> = direct
    ? { 'routing-mode': 'native', 'tunnel-protocol': '' }
    : { 'routing-mode': 'tunnel', 'tunnel-protocol': 'vxlan' };
  if (flags.datapathMode) say(`🔮 Custom datapath mode: ${flags.datapathMode}`);
  else say('🔮 Auto-detected datapath mode: tunnel');
  say('🚀 Creating ConfigMap for Cilium...');
  const version = await changeConfig(client, { ...routing, ...flags.config });
  say('⌛ Waiting for Cilium to be installed and ready...');
  await untilObserved(client, version, observedTimeoutMs);
  say(`✅ Cilium was successfully installed on ${nodes.length} nodes! Run 'cilium status' to view installation health`);
}
