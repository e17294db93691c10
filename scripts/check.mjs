import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { nodeEnvironment, projectRoot, setUp } from './setup.mjs';

await setUp();

/** Checks only what a change reaches, when it has checked before. */
const types = (name, project) => [
  'tsc',
  '--noEmit',
  '-p',
  project,
  '--incremental',
  '--tsBuildInfoFile',
  `.cache/types-${name}.json`,
];
const steps = [
  ['biome', 'ci', '--error-on-warnings', process.stdout.isTTY ? '--colors=force' : '--colors=off', '.'],
  types('all', '.'),
  types('web', 'web'),
  types('ui', 'test/ui'),
  ['oxlint', '--type-aware', '--deny-warnings', 'src', 'test', 'bench', 'web'],
  ['knip'],
];
for (const [program, ...args] of steps) {
  console.log(`> ${program} ${args.join(' ')}`);
  const bin = path.join(projectRoot, 'node_modules', '.bin');
  const env = {
    ...nodeEnvironment(),
    PATH: `${bin}:${process.env.PATH}`,
  };
  const { status } = spawnSync(path.join(bin, program), args, { cwd: projectRoot, stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}
