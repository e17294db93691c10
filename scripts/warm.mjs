import { spawnSync } from 'node:child_process';
import { nodeEnvironment, nodeProgram, projectRoot } from './setup.mjs';

/**
 * The programs of a cluster by the flags they run with: V8 only takes compiled code back under the flags it was compiled with.
 * Each list is imported once, so that the first start already finds it compiled.
 */
const programs = [
  {
    flags: ['--max-semi-space-size=2'],
    modules: [
      'src/embedded/cluster.ts',
      'src/agent/agent.ts',
      'src/proxy/index.ts',
      '@grpc/grpc-js',
      'protobufjs',
      'protobufjs/ext/protojson.js',
      'yaml',
      're2js',
    ],
  },
  {
    flags: ['--max-semi-space-size=1', '--max-old-space-size=32', '--v8-pool-size=1'],
    modules: ['src/dns/cluster-dns.ts', 'src/dns/zone-file.ts'],
  },
  {
    flags: [],
    modules: [
      'src/cli/lifecycle/index.ts',
      'src/cli/hubble/index.ts',
      'src/cli/cilium/index.ts',
      'src/cli/walkthrough/index.ts',
    ],
  },
];

/** Compiles the project's programs into the compile cache. A failure costs nothing but a slower first start. */
export function warmUp() {
  for (const { flags, modules } of programs) {
    const names = modules.map((name) => (name.startsWith('src/') ? `${projectRoot}/${name}` : name));
    const script = `for (const name of ${JSON.stringify(names)}) await import(name);`;
    spawnSync(nodeProgram(), [...flags, '--input-type=module', '-e', script], {
      cwd: projectRoot,
      stdio: 'ignore',
      env: nodeEnvironment(),
    });
  }
}
