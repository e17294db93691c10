import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startTestServer, type TestServer } from './testing/dev-server.ts';

const SDK = '/usr/lib/google-cloud-sdk/bin';
const VERSIONS = ['1.31', '1.32', '1.33'];

const DEPLOYMENT = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'a', image: 'busybox:1', ports: [{ containerPort: 80 }] }] },
    },
  },
};
const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'one', labels: { app: 'one' } },
  spec: { containers: [{ name: 'main', image: 'busybox' }] },
};

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

for (const version of VERSIONS) {
  const binary = path.join(SDK, `kubectl.${version}`);
  const skip = existsSync(binary) ? false : `no ${binary} on this machine`;

  describe(`kubectl ${version}`, { skip }, () => {
    let directory = '';
    let server: TestServer;

    before(async () => {
      directory = mkdtempSync(path.join(tmpdir(), 'apiserver-kubectl-'));
      server = await startTestServer(directory);
    });
    after(async () => {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    });

    const environment = () => ({ PATH: process.env['PATH'], HOME: directory, KUBECONFIG: server.kubeconfig });
    const kubectl = (args: readonly string[], input?: string): Promise<Outcome> =>
      new Promise((resolve) => {
        const child = execFile(binary, args, { env: environment(), timeout: 20_000 }, (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
          resolve({ code, stdout, stderr });
        });
        child.stdin?.end(input ?? '');
      });
    const ok = async (args: readonly string[], input?: string): Promise<string> => {
      const outcome = await kubectl(args, input);
      assert.equal(outcome.code, 0, `kubectl ${args.join(' ')}: ${outcome.stderr}`);
      return outcome.stdout;
    };
    const apply = (object: unknown, ...flags: string[]) => ok(['apply', ...flags, '-f', '-'], JSON.stringify(object));
    const setReady = () => {
      const pod = server.store.get('pods', 'default', 'one');
      assert(pod);
      const status = {
        phase: 'Running',
        podIP: '10.244.1.7',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ name: 'main', ready: true, restartCount: 2, state: { running: {} } }],
      };
      server.store.update('pods', { ...pod, status }, { subresource: 'status' });
    };

    test('version, api-resources, explain', async () => {
      assert.match(await ok(['version']), /Server Version: v1\.32/);
      assert.match(await ok(['api-resources']), /deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/);
      assert.match(await ok(['explain', 'deployment.spec.strategy']), /rollingUpdate\s+<RollingUpdateDeployment>/);
    });

    test('apply creates, changes nothing the second time, and patches a change', async () => {
      assert.match(await apply(DEPLOYMENT), /created/);
      assert.match(await apply(DEPLOYMENT), /unchanged/);
      const changed = JSON.parse(JSON.stringify(DEPLOYMENT).replace('busybox:1', 'busybox:2'));
      const diff = await kubectl(['diff', '-f', '-'], JSON.stringify(changed));
      assert.equal(diff.code, 1);
      assert.match(diff.stdout, /\+\s+- image: busybox:2|\+\s+image: busybox:2/);
      assert.match(await apply(changed), /configured/);
      assert.match(
        await ok(['get', 'deploy', 'web', '-o', 'wide']),
        /web\s+0\/1\s+0\s+0\s+\S+\s+a\s+busybox:2\s+app=web/,
      );
      assert.match(await ok(['scale', 'deploy', 'web', '--replicas=3']), /scaled/);
      assert.equal(await ok(['get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas} {.metadata.generation}']), '3 3');
    });

    test('server-side apply reports who owns a field', async () => {
      await ok(['set', 'image', 'deploy/web', 'a=other']);
      const refused = await kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(DEPLOYMENT));
      assert.match(
        refused.stderr,
        /conflict with "kubectl-set" using apps\/v1: \.spec\.template\.spec\.containers\[name="a"\]\.image/,
      );
      assert.match(await apply(DEPLOYMENT, '--server-side', '--force-conflicts'), /serverside-applied/);
      assert.equal(
        await ok(['get', 'deploy', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}']),
        'busybox:1',
      );
    });

    test('pods: table, wide, labels, describe, wait, logs', async () => {
      await apply(POD);
      assert.match(await ok(['get', 'pods', '--show-labels']), /one\s+0\/1\s+Pending\s+0\s+\S+\s+app=one/);
      setReady();
      assert.match(await ok(['get', 'pods', '-o', 'wide']), /one\s+1\/1\s+Running\s+2\s+\S+\s+10\.244\.1\.7/);
      assert.match(await ok(['describe', 'pod', 'one']), /Status:\s+Running/);
      assert.match(await ok(['wait', '--for=condition=Ready', 'pod/one', '--timeout=5s']), /condition met/);
      assert.equal(await ok(['logs', 'one', '--tail=1']), 'one/main line 2\n');
      assert.match(await ok(['logs', '-f', 'one']), /line 3/);
      assert.match(await ok(['label', 'pod', 'one', 'tier=x']), /labeled/);
      assert.match(await ok(['get', 'pods', '-l', 'tier in (x,y),!none', '-o', 'name']), /pod\/one/);
    });

    test('exec: output, errors, exit status, standard input, terminal', async () => {
      const failed = await kubectl(['exec', 'one', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
      assert.deepEqual({ code: failed.code, stdout: failed.stdout }, { code: 7, stdout: 'out\n' });
      assert.match(failed.stderr, /^err\n/);
      assert.equal(await ok(['exec', '-i', 'one', '--', 'cat'], 'through\n'), 'through\n');
      const missing = await kubectl(['exec', 'one', '--', 'no-such-program']);
      assert.match(missing.stderr, /executable file not found/);
      const terminal = await inTerminal(
        binary,
        ['exec', '-it', 'one', '--', 'sh', '-c', 'test -t 1 && echo tty'],
        environment(),
      );
      assert.match(terminal, /tty\r\n/);
    });

    test('port-forward carries bytes to the pod', async () => {
      const { createServer } = await import('node:http');
      const target = createServer((_request, response) => response.end('hello from the pod'));
      await new Promise<void>((done) => target.listen(0, '127.0.0.1', done));
      const address = target.address();
      assert(typeof address === 'object' && address);
      const forward = spawn(binary, ['port-forward', 'pod/one', `:${address.port}`], { env: environment() });
      try {
        const local = await new Promise<string>((resolve, reject) => {
          let text = '';
          forward.stdout.on('data', (chunk) => {
            text += String(chunk);
            const match = /127\.0\.0\.1:(\d+) ->/.exec(text);
            if (match?.[1]) resolve(match[1]);
          });
          forward.stderr.on('data', (chunk) => reject(new Error(String(chunk))));
        });
        for (const _round of [1, 2]) {
          const answer = await fetch(`http://127.0.0.1:${local}/`);
          assert.equal(await answer.text(), 'hello from the pod');
        }
      } finally {
        forward.kill();
        target.closeAllConnections();
        target.close();
      }
    });

    test('typed create commands send protobuf from 1.32 on', async () => {
      await ok(['create', 'namespace', 'extra']);
      await ok(['create', 'configmap', 'c', '-n', 'extra', '--from-literal=k=v']);
      await ok(['create', 'secret', 'generic', 's', '-n', 'extra', '--from-literal=k=v']);
      await ok(['create', 'serviceaccount', 'a', '-n', 'extra']);
      await ok(['create', 'deployment', 'd', '-n', 'extra', '--image=nginx', '--replicas=2', '--port=80']);
      const port = await ok([
        'get',
        'deploy',
        'd',
        '-n',
        'extra',
        '-o',
        'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].ports[0].containerPort}',
      ]);
      assert.equal(port, '2 80');
      assert.equal(await ok(['get', 'cm', 'c', '-n', 'extra', '-o', 'jsonpath={.data.k}']), 'v');
      assert.equal(await ok(['get', 'secret', 's', '-n', 'extra', '-o', 'jsonpath={.data.k}']), 'dg==');
      assert.match(await ok(['auth', 'can-i', 'create', 'pods']), /yes/);
      assert.match(await ok(['delete', 'namespace', 'extra']), /deleted/);
      assert.equal((await kubectl(['get', 'ns', 'extra'])).code, 1);
    });

    test('faults name field, value and what is allowed', async () => {
      const unknown = {
        ...POD,
        metadata: { name: 'two' },
        spec: { containers: [{ name: 'a', imgae: 'b', image: 'c' }] },
      };
      assert.match(
        (await kubectl(['apply', '-f', '-'], JSON.stringify(unknown))).stderr,
        /strict decoding error: unknown field "spec\.containers\[0\]\.imgae"/,
      );
      const bad = {
        ...POD,
        metadata: { name: 'two' },
        spec: { restartPolicy: 'Sometimes', containers: [{ name: 'a', image: 'c' }] },
      };
      assert.match(
        (await kubectl(['apply', '-f', '-'], JSON.stringify(bad))).stderr,
        /spec\.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"/,
      );
      assert.match((await kubectl(['get', 'pod', 'none'])).stderr, /pods "none" not found/);
    });

    test('watch prints changes, rollout status follows the deployment', async () => {
      const watching = spawn(binary, ['get', 'cm', '--watch-only', '-o', 'name'], { env: environment() });
      const seen = new Promise<string>((resolve) => watching.stdout.once('data', (chunk) => resolve(String(chunk))));
      const create = setInterval(() => {
        const name = `w-${Date.now()}`;
        server.store.create('configmaps', {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name, namespace: 'default' },
        });
      }, 100);
      assert.match(await seen, /configmap\/w-/);
      clearInterval(create);
      watching.kill();
      const deployment = server.store.get('deployments.apps', 'default', 'web');
      assert(deployment);
      const replicas = 3;
      const status = {
        observedGeneration: deployment.metadata.generation,
        replicas,
        updatedReplicas: replicas,
        readyReplicas: replicas,
        availableReplicas: replicas,
      };
      server.store.update('deployments.apps', { ...deployment, status }, { subresource: 'status' });
      assert.match(await ok(['rollout', 'status', 'deploy/web', '--timeout=5s']), /successfully rolled out/);
    });

    test('delete waits until the object is gone', async () => {
      assert.match(await ok(['delete', 'pod', 'one']), /deleted/);
      assert.match(await ok(['delete', 'deploy', 'web']), /deleted/);
      assert.equal(await ok(['get', 'pods,deploy', '-o', 'name']), '');
    });
  });
}

/** What the command prints when its standard streams are a terminal. */
function inTerminal(binary: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const quoted = [binary, ...args].map((part) => `'${part.replaceAll("'", `'\\''`)}'`).join(' ');
  const file = path.join(env['HOME'] ?? tmpdir(), 'terminal.sh');
  writeFileSync(file, quoted);
  return new Promise((resolve) => {
    const child = spawn('script', ['-qefc', `sh ${file}`, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
    });
    child.on('close', () => resolve(text));
  });
}
