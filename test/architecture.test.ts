import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const root = path.resolve(import.meta.dirname, '..');

/** What each room may import, with the sentence why. A room may always import itself. */
const rooms: Record<string, { readonly may: readonly string[]; readonly why: string }> = {
  loading: { may: [], why: 'it comes before everything else is loaded' },
  base: { may: [], why: 'everything stands on base, so it stands on nothing of ours' },
  sys: { may: ['base'], why: 'system calls know no resource' },
  model: { may: ['base'], why: 'resource types are plain data for everyone' },
  policy: { may: ['base', 'model'], why: 'verdicts are pure functions over models' },
  plan: { may: ['base', 'model', 'policy'], why: 'a plan is a pure function of the world' },
  xds: { may: ['base', 'model', 'plan'], why: 'discovery carries planned resources and knows no proxy' },
  proxy: {
    may: ['loading', 'base', 'sys', 'model', 'xds'],
    why: 'the data plane runs alone from a bootstrap file and knows no policy or Kubernetes',
  },
  datapath: { may: ['base', 'sys', 'model', 'plan'], why: 'the kernel side applies plans and knows no Kubernetes' },
  dns: { may: ['base', 'sys', 'model', 'plan'], why: 'DNS follows plans and knows no Kubernetes' },
  hubble: { may: ['base', 'model', 'plan'], why: 'flows are built from events and look-ups that are handed in' },
  ui: { may: ['base', 'model', 'hubble'], why: 'the page is served from flows and a filter reader that are handed in' },
  kube: { may: ['base', 'model'], why: 'the client side of Kubernetes knows no engine' },
  agent: {
    may: ['loading', 'base', 'sys', 'model', 'policy', 'plan', 'xds', 'datapath', 'dns', 'hubble', 'kube'],
    why: 'the agent joins the rooms of one node; the data plane is another process',
  },
  cluster: { may: ['base', 'sys', 'model'], why: 'the embedded cluster is just a Kubernetes' },
  connectivity: { may: ['base', 'model', 'kube', 'hubble'], why: 'connectivity tests talk through clients only' },
  embedded: {
    may: ['loading', 'base', 'sys', 'model', 'cluster', 'dns', 'hubble', 'kube', 'ui'],
    why: 'the cluster process composes Kubernetes, the relay and the page and starts the rest as processes',
  },
  cli: {
    may: ['loading', 'base', 'model', 'kube', 'hubble', 'connectivity', 'embedded', 'cluster', 'plan', 'proxy', 'ui'],
    why: 'commands are thin: they ask rooms that decide, and know none that acts on a node',
  },
};

/** Rooms whose folders are rooms of their own, each entered through its own index. */
const houses = new Set(['model', 'cluster', 'cli']);

const lineMax = 400;
const functionLineMax = 80;

const bannedWords = /\b(?:TODO|FIXME|XXX)\b/;

function sourceFiles(): string[] {
  return readdirSync(path.join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
    .map((entry) => path.relative(path.join(root, 'src'), path.join(entry.parentPath, entry.name)));
}

function importsOf(file: string): string[] {
  const text = readFileSync(path.join(root, 'src', file), 'utf8');
  const found = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1] ?? '');
  const targets = found.map((target) => path.normalize(path.join(path.dirname(file), target)));
  // What lies outside of `src`, such as package.json, is no room.
  return targets.filter((target) => !target.startsWith('..'));
}

const roomOf = (file: string): string => file.split(path.sep)[0] ?? '';
const subRoomOf = (file: string): string => {
  const parts = file.split(path.sep);
  return houses.has(parts[0] ?? '') && parts.length > 2 ? `${parts[0]}/${parts[1]}` : (parts[0] ?? '');
};

test('rooms import only what the table allows', () => {
  const faults: string[] = [];
  for (const file of sourceFiles()) {
    const from = roomOf(file);
    const rule = rooms[from];
    if (!rule) {
      faults.push(`${file}: room ${from} is not in the table`);
      continue;
    }
    for (const target of importsOf(file)) {
      const to = roomOf(target);
      if (to !== from && !rule.may.includes(to)) faults.push(`${file} imports ${target}: ${rule.why}`);
    }
  }
  assert.deepEqual(faults, []);
});

test('a room is entered through its index', () => {
  const faults: string[] = [];
  for (const file of sourceFiles()) {
    for (const target of importsOf(file)) {
      if (roomOf(target) === roomOf(file) && subRoomOf(target) === subRoomOf(file)) continue;
      const isIndex = path.basename(target) === 'index.ts';
      const isHouseContract =
        houses.has(roomOf(target)) && roomOf(target) === roomOf(file) && target.split(path.sep).length === 2;
      if (!isIndex && !isHouseContract) faults.push(`${file} imports ${target}`);
    }
  }
  assert.deepEqual(faults, []);
});

test('every room says what it is', () => {
  for (const room of new Set(sourceFiles().map(roomOf))) {
    assert.ok(existsSync(path.join(root, 'src', room, 'README.md')), `src/${room}/README.md is missing`);
  }
});

test(`no file is longer than ${lineMax} lines`, () => {
  const long = sourceFiles()
    .map((file) => ({ file, lines: readFileSync(path.join(root, 'src', file), 'utf8').split('\n').length }))
    .filter(({ lines }) => lines > lineMax);
  assert.deepEqual(long, []);
});

const opening = /^ *(?:export )?(?:async )?(?:function\*? ?\w*\(|\*?\w+\(.*\).*\{$|.*=> (?:\(?\{|\[)$)/;
const ignored = /^ *(?:if|for|while|switch|return|else|catch) /;

/**
 * Declared functions and their lengths in lines without the functions inside: one that only joins closures is as long as its own words.
 * The formatter puts the closing brace of each under its first word.
 */
function functionsOf(text: string): { name: string; lines: number }[] {
  const lines = text.split('\n');
  const endOf = (start: number): number => {
    const indent = /^ */.exec(lines[start] ?? '')?.[0] ?? '';
    const end = lines.findIndex((line, index) => index > start && new RegExp(`^${indent}[\\]})]+[;,)]*$`).test(line));
    return end < 0 ? start : end;
  };
  return lines.flatMap((line, start) => {
    const name = /^ *(?:export )?(?:async )?function\*? (\w+)/.exec(line)?.[1];
    if (name === undefined) return [];
    const end = endOf(start);
    let own = 1;
    for (let at = start + 1; at <= end; at++) {
      const each = lines[at] ?? '';
      own++;
      if (opening.test(each) && !ignored.test(each)) at = Math.max(at, endOf(at));
    }
    return [{ name, lines: own }];
  });
}

test(`no function is longer than ${functionLineMax} lines`, () => {
  const files = sourceFiles().filter((file) => !file.endsWith('.test.ts'));
  const long = files.flatMap((file) =>
    functionsOf(readFileSync(path.join(root, 'src', file), 'utf8'))
      .filter(({ lines }) => lines > functionLineMax)
      .map(({ name, lines }) => `${file}: ${name} has ${lines} lines`),
  );
  assert.deepEqual(long, []);
});

test('nothing is left for later in comments', () => {
  const found = sourceFiles()
    .filter((file) => !file.endsWith('.test.ts'))
    .filter((file) => bannedWords.test(readFileSync(path.join(root, 'src', file), 'utf8')));
  assert.deepEqual(found, []);
});
