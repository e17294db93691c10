import type { CommandIo } from '../io.ts';
import { changeConfig, connect, readConfig } from './cluster.ts';
import { untilObserved } from './observed.ts';

const observedTimeoutMs = 30_000;

/** Prints the settings sorted by key, as two columns. */
export async function runConfigView(io: CommandIo): Promise<void> {
  const { data = {} } = await readConfig(connect(io));
  const keys = Object.keys(data).sort();
  const width = Math.max(0, ...keys.map((key) => key.length)) + 2;
  for (const key of keys) io.stdout.write(`${key.padEnd(width)}${data[key]}\n`);
}

export async function runConfigSet(key: string, value: string, io: CommandIo): Promise<void> {
  const client = connect(io);
  io.stdout.write(`✨ Patching ConfigMap cilium-config with ${key}=${value}...\n`);
  await untilObserved(client, await changeConfig(client, { [key]: value }), observedTimeoutMs);
  io.stdout.write('✅ The agents have taken it over\n');
}

export async function runConfigDelete(key: string, io: CommandIo): Promise<void> {
  const client = connect(io);
  io.stdout.write(`✨ Removing key ${key} from ConfigMap cilium-config...\n`);
  await untilObserved(client, await changeConfig(client, { [key]: null }), observedTimeoutMs);
  io.stdout.write('✅ The agents have taken it over\n');
}
