import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createLogger } from '../../base/index.ts';
import { imageCatalogue, type ResidentProgram } from '../images/index.ts';
import type { KubernetesObject, ObjectStore } from '../store.ts';
import { createFabric, type Fabric } from './fabric.ts';
import { createFakeStore } from './fake-store.ts';
import { type RunningNodes, startNodes } from './start-nodes.ts';
import type { ContainerRecord, PodObject, PodSpec } from './types.ts';

const insideMark = 'CILIATE_TEST_INSIDE';
const inside = process.env[insideMark] !== undefined;
const timeoutMs = 20_000;

/** Runs this file again in namespaces of its own, as the launcher of the cluster makes them. */
function runInside(prefix: readonly string[], flags: readonly string[]): void {
  const script = 'mount -t tmpfs tmpfs /run && mkdir /run/netns && exec "$@"';
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const self = [process.execPath, '--test-reporter=spec', '--test', import.meta.filename];
  const [command = '', ...args] = [...prefix, 'unshare', ...flags, ...namespaces, 'sh', '-c', script, 'sh', ...self];
  const env: NodeJS.ProcessEnv = { ...process.env, [insideMark]: '1', HOME: '/tmp' };
  delete env['NODE_TEST_CONTEXT'];
  const result = spawnSync(command, args, { env, encoding: 'utf8', timeout: 120_000 });
  assert.equal(result.status, 0, `${result.stdout}\n${result.stderr}`);
}

/** Says hello to whoever connects. */
const greeter: ResidentProgram = {
  async start({ bind, tell }) {
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      sockets.add(socket.on('error', () => {}));
      socket.end('hello');
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ fd: bind(4245) }, resolve);
    });
    tell('greets at 4245');
    return {
      stop: async () => {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  },
};

if (!inside) {
  const root = process.getuid?.() === 0;
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const usable = spawnSync('unshare', ['--user', '--map-root-user', 'true']).status === 0;
  test('nodes as root', { skip: root ? false : 'this user is not root' }, () => runInside([], []));
  test('nodes as an ordinary user', { skip: usable ? false : 'this machine gives no user namespaces' }, () =>
    runInside(root ? nobody : [], ['--user', '--map-root-user']),
  );
} else describe('nodes', nodeTests);

function nodeTests(): void {
  let fabric: Fabric;
  let store: ObjectStore;
  let nodes: RunningNodes;
  let stateDirectory: string;
  const start = () =>
    startNodes({
      store,
      nodes: fabric.nodes,
      stateDirectory,
      runDirectory: '/run/ciliate',
      images: imageCatalogue({ hubbleRelay: greeter }),
      clusterDns: '10.96.0.10',
      clusterDomain: 'cluster.local',
      kubernetesVersion: 'v1.33.0',
      clock: Date.now,
      log: createLogger('node'),
    });

  before(async () => {
    stateDirectory = mkdtempSync(path.join(os.tmpdir(), 'node-state-'));
    fabric = await createFabric({ nodes: ['node-1', 'node-2'], serviceCidr: '10.96.0.0/16' });
    store = createFakeStore();
    nodes = await start();
  });
  after(async () => {
    await nodes.stop();
    await fabric.close();
    rmSync(stateDirectory, { recursive: true });
  });

  const create = (name: string, container: object, spec: object = {}): void => {
    const containers = [{ name: 'c', image: 'host', ...container }];
    const whole = { nodeName: 'node-1', containers, ...spec } as PodSpec;
    store.create<PodObject>('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 't' }, spec: whole });
  };
  const shell = (script: string, extra: object = {}) => ({ command: ['sh', '-c', script], ...extra });
  const pod = (name: string): PodObject | undefined => store.get<PodObject>('pods', 't', name);
  const record = (name: string): ContainerRecord | undefined => pod(name)?.status?.containerStatuses?.[0];
  const reference = (name: string) => ({ namespace: 't', pod: name, container: 'c' });
  const address = (name: string): string => pod(name)?.status?.podIP ?? '';
  const reasons = (name: string): string[] =>
    store
      .list<KubernetesObject & { reason?: string; involvedObject?: { name: string } }>('events')
      .flatMap(({ reason, involvedObject }) => (involvedObject?.name === name && reason ? [reason] : []));

  /** Resolves when the condition holds after some change of a pod. */
  function until(what: string, condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        queueMicrotask(() => stop());
        if (error) reject(error);
        else resolve();
      };
      const timer = setTimeout(() => finish(new Error(`${what}: not within ${timeoutMs} ms`)), timeoutMs);
      const stop = store.watch('pods', () => {
        if (condition()) finish();
      });
    });
  }

  async function run(name: string, command: readonly string[], input?: string, tty = false) {
    const session = await nodes.exec(reference(name), command, { stdin: input !== undefined, tty });
    let stdout = '';
    let stderr = '';
    session.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    session.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    session.stdin?.end(input);
    return { ...(await session.exited), stdout, stderr };
  }

  async function logs(name: string, previous = false): Promise<string> {
    const options = { follow: false, previous, timestamps: false };
    let text = '';
    for await (const chunk of nodes.logs(reference(name), options, new AbortController().signal))
      text += Buffer.from(chunk);
    return text;
  }

  test('a fabric can be made again', async () => {
    const again = await createFabric({ nodes: ['node-1', 'node-2'], serviceCidr: '10.96.0.0/16' });
    assert.deepEqual(again.nodes, fabric.nodes);
  });

  test('nodes register themselves', () => {
    const [first] = store.list<KubernetesObject & { status?: { addresses?: object[] } }>('nodes');
    assert.equal(first?.metadata.name, 'node-1');
    assert.deepEqual(first?.status?.addresses?.[0], { type: 'InternalIP', address: '172.30.0.1' });
  });

  test('a server becomes ready and answers another pod with its address', async () => {
    const readinessProbe = { httpGet: { path: '/', port: 'web' }, initialDelaySeconds: 1, periodSeconds: 1 };
    const ports = [{ name: 'web', containerPort: 8080 }];
    const env = [{ name: 'PORT', value: '8080' }];
    create('echo', { image: 'quay.io/cilium/json-mock:v1.3.0', env, ports, readinessProbe });
    create('client', { image: 'quay.io/cilium/alpine-curl:v1.4.0', command: ['/bin/ash', '-c', 'sleep 10000000'] });
    await until('ready', () => record('echo')?.ready === true && record('client')?.ready === true);
    const result = await run('client', ['curl', '-sS', '-m', '3', `http://${address('echo')}:8080/client-ip`]);
    assert.equal(result.stderr, '');
    assert.deepEqual(JSON.parse(result.stdout), { 'client-ip': address('client') });
    const world = await run('client', [
      'curl',
      '-sS',
      '-m',
      '3',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      'http://203.0.113.10/',
    ]);
    assert.equal(world.stdout, '200');
    assert.equal(await logs('echo'), 'echo: listening on port 8080\n');
  });

  test('a port of a pod can be reached from outside', async () => {
    const socket = await nodes.connect({ namespace: 't', pod: 'echo' }, 8080);
    socket.end('GET /hostname HTTP/1.0\r\n\r\n');
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    assert.match(answer, /"hostname": "echo"/);
    await assert.rejects(nodes.connect({ namespace: 't', pod: 'echo' }, 1), /ECONNREFUSED/);
  });

  test('a resident program serves in the network of its pod, and ends with it', async () => {
    const ports = [{ name: 'grpc', containerPort: 4245 }];
    const image = 'quay.io/cilium/hubble-relay:v1';
    create('resident', { image, ports, readinessProbe: { tcpSocket: { port: 'grpc' }, periodSeconds: 1 } });
    await until('ready', () => record('resident')?.ready === true);
    let greeting = '';
    for await (const chunk of await nodes.connect({ namespace: 't', pod: 'resident' }, 4245)) greeting += chunk;
    assert.equal(greeting, 'hello');
    const asked = await run('client', ['sh', '-c', `nc -w 3 ${address('resident')} 4245 < /dev/null`]);
    assert.equal(asked.stdout, 'hello');
    assert.equal(await logs('resident'), 'greets at 4245\n');
    await assert.rejects(run('resident', ['true']), /container "c" runs within the cluster's own process/);

    // Two in one network: the second finds the port taken, says so and is started again later.
    create('crowded', { image }, { containers: ['c', 'd'].map((name) => ({ name, image })) });
    const restarted = (): boolean =>
      (pod('crowded')?.status?.containerStatuses ?? []).some(({ lastState }) => lastState?.terminated?.exitCode === 1);
    await until('one of two has failed', restarted);

    for (const name of ['resident', 'crowded']) store.delete('pods', 't', name, { gracePeriodSeconds: 1 });
    await until('gone', () => !pod('resident') && !pod('crowded'));
    await assert.rejects(nodes.connect({ namespace: 't', pod: 'resident' }, 4245), /no network/);
  });

  test('commands in a container', async () => {
    assert.deepEqual(await run('client', ['cat'], 'hello\n'), { exitCode: 0, stdout: 'hello\n', stderr: '' });
    const split = await run('client', ['sh', '-c', 'echo out; echo err > /dev/stderr; exit 7']);
    assert.deepEqual(split, { exitCode: 7, stdout: 'out\n', stderr: 'err\n' });
    assert.equal((await run('client', ['hostname'])).stdout, 'client\n');
    const unknown = await run('client', ['no-such-command']);
    assert.equal('exitCode' in unknown && unknown.exitCode, 127);
    const terminal = await run('client', ['sh', '-c', 'test -t 0 && read x && echo "<$x>"; exit 5'], 'abc\n', true);
    assert.equal('exitCode' in terminal && terminal.exitCode, 5);
    assert.match(terminal.stdout, /<abc>/);
    const big = await run('client', ['head', '-c', '3000000', '/dev/zero']);
    assert.equal(big.stdout.length, 3_000_000);
    await assert.rejects(
      nodes.exec({ ...reference('client'), container: 'x' }, ['true'], { stdin: false, tty: false }),
      /not valid/,
    );
  });

  test('a client that leaves ends its command', async () => {
    for (const tty of [false, true]) {
      const session = await nodes.exec(reference('client'), ['sh', '-c', 'echo on; sleep 777; true'], {
        stdin: true,
        tty,
      });
      await new Promise((resolve) => session.stdout.once('data', resolve));
      session.stdout.resume();
      session.kill();
      await session.exited;
    }
    const alive = 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " | grep -q "[s]leep 777"';
    const gone = `for turn in $(seq 100); do ${alive} || { echo gone; exit; }; sleep 0.02; done; echo alive`;
    assert.equal((await run('client', ['sh', '-c', gone])).stdout, 'gone\n');
  });

  test('the file system of a container', async (context) => {
    const hostFile = path.join(mkdtempSync('/tmp/ciliate-host-'), 'only-here');
    writeFileSync(hostFile, '');
    context.after(() => rmSync(path.dirname(hostFile), { recursive: true }));
    const cases: readonly (readonly [string, RegExp])[] = [
      ['touch /usr/x 2>&1', /Read-only|Permission denied/],
      ['cat /etc/resolv.conf', /^search t\.svc\.cluster\.local .*\nnameserver 10\.96\.0\.10\noptions ndots:5\n$/],
      ['touch /x /tmp/x /etc/x /root/x && echo done', /^done\n$/],
      // What the programs are read from may lie below the host's /tmp, so only a file of this test's own tells.
      [`ls /tmp/x; ls ${hostFile} 2>&1`, /^\/tmp\/x\n.*No such file/],
      ['cat /proc/1/comm; ls /sys/class/net', /^sh\neth0\nlo\n$/],
      ['ls /run /root', /^\/root:\nx\n\n\/run:\nlock\n(mount\n)?shm\n$/],
    ];
    for (const [script, expected] of cases)
      assert.match((await run('client', ['sh', '-c', script])).stdout, expected, script);
    assert.ok(!existsSync('/x') && !existsSync('/tmp/x') && !existsSync('/etc/x'));
  });

  test('volumes wait for what they need and show what changes', async () => {
    const volumes = [
      { name: 'v', emptyDir: {} },
      { name: 'cfg', configMap: { name: 'cm' } },
    ];
    const shared = { name: 'v', mountPath: '/work' };
    const volumeMounts = [
      shared,
      { name: 'cfg', mountPath: '/etc/new/place' },
      { name: 'cfg', mountPath: '/usr/share/none/k', subPath: 'k', readOnly: true },
    ];
    const init = { name: 'i', image: 'host', ...shell('echo made > /work/f'), volumeMounts: [shared] };
    create('vol', shell('cat /work/f; sleep 1000', { volumeMounts }), { initContainers: [init], volumes });
    await until('pending', () => pod('vol')?.status?.podIP !== undefined);
    const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cm', namespace: 't' } };
    store.create('configmaps', { ...config, data: { k: 'one' } } as KubernetesObject);
    await until('running', () => record('vol')?.state?.running !== undefined);
    assert.ok(reasons('vol').includes('FailedMount'));
    assert.equal(
      (await run('vol', ['cat', '/work/f', '/etc/new/place/k', '/usr/share/none/k'])).stdout,
      'made\noneone',
    );
    store.update('configmaps', { ...config, data: { k: 'two', l: 'three' } } as KubernetesObject);
    assert.equal((await run('vol', ['sh', '-c', 'cat /etc/new/place/*'])).stdout, 'twothree');
  });

  test('ends, restarts and failures as Kubernetes shows them', async () => {
    create('job', shell('echo done'), { restartPolicy: 'Never' });
    create('bad', shell('exit 3'), { restartPolicy: 'Never' });
    create('none', { command: ['no-such-command'] }, { restartPolicy: 'Never' });
    create('loop', shell('echo again; exit 1'));
    create('image', { image: 'nginx:1' });
    create('config', shell('true', { envFrom: [{ secretRef: { name: 'no' } }] }));
    await until('job', () => pod('job')?.status?.phase === 'Succeeded');
    await until('bad', () => pod('bad')?.status?.phase === 'Failed' && pod('none')?.status?.phase === 'Failed');
    assert.equal(record('bad')?.state?.terminated?.exitCode, 3);
    assert.match(record('none')?.state?.terminated?.message ?? '', /"no-such-command": executable file not found/);
    await until('loop', () => record('loop')?.state?.waiting?.reason === 'CrashLoopBackOff');
    assert.equal(record('loop')?.restartCount, 1);
    assert.equal(record('loop')?.lastState?.terminated?.exitCode, 1);
    assert.equal(await logs('loop', true), 'again\n');
    await until('image', () => record('image')?.state?.waiting?.reason === 'ErrImageNeverPull');
    await until('config', () => record('config')?.state?.waiting?.message === 'secret "no" not found');
    assert.ok(reasons('loop').includes('BackOff') && reasons('image').includes('ErrImageNeverPull'));
    await assert.rejects(logs('image'), /waiting to start: ErrImageNeverPull/);
  });

  test('a failed liveness probe restarts, a failed readiness probe only withdraws', async () => {
    const probe = { exec: { command: ['test', '-e', '/tmp/ok'] }, periodSeconds: 1, failureThreshold: 1 };
    create('alive', shell('touch /tmp/ok; sleep 1000', { livenessProbe: probe, readinessProbe: probe }));
    create('ready', shell('touch /tmp/ok; sleep 1000', { readinessProbe: probe }));
    await until('ready', () => record('alive')?.ready === true && record('ready')?.ready === true);
    for (const name of ['alive', 'ready']) await run(name, ['rm', '/tmp/ok']);
    await until('restarted', () => record('alive')?.restartCount === 1 && record('alive')?.ready === true);
    await until('unready', () => record('ready')?.ready === false);
    assert.equal(record('ready')?.restartCount, 0);
    assert.ok(reasons('alive').includes('Unhealthy') && reasons('alive').includes('Killing'));
  });

  test('probes come from the node', async () => {
    const server =
      "require('net').createServer((s)=>{console.log(s.remoteAddress);s.end('HTTP/1.0 200 OK\\r\\n\\r\\n')})";
    const program = { command: [process.execPath, '-e', `${server}.listen(8080,'0.0.0.0')`] };
    create('http', { ...program, readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 } });
    create('tcp', { ...program, readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } });
    await until('ready', () => record('http')?.ready === true && record('tcp')?.ready === true);
    for (const name of ['http', 'tcp']) {
      const options = { follow: true, previous: false, timestamps: false, limitBytes: 11 };
      let text = '';
      for await (const chunk of nodes.logs(reference(name), options, AbortSignal.timeout(5000)))
        text += Buffer.from(chunk);
      assert.equal(text, '10.244.1.1\n', name);
    }
  });

  test('deletion asks first and then insists', async () => {
    create('polite', shell('trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.05; done'));
    create('stubborn', shell('trap "" TERM; echo up; while :; do sleep 0.05; done'), {
      terminationGracePeriodSeconds: 1,
    });
    await until('up', () => record('polite')?.ready === true && record('stubborn')?.ready === true);
    const follow = { follow: true, previous: false, timestamps: false };
    const reading = (async () => {
      let text = '';
      const stream = nodes.logs(reference('polite'), follow, new AbortController().signal);
      for await (const chunk of stream) {
        text += Buffer.from(chunk);
        if (text === 'up\n') store.delete('pods', 't', 'polite');
      }
      return text;
    })();
    store.delete('pods', 't', 'stubborn');
    assert.equal(await reading, 'up\nbye\n');
    await until('gone', () => !pod('polite') && !pod('stubborn'));
  });

  test('a name can be used again at once', async () => {
    create('again', shell('sleep 1000'));
    await until('first', () => record('again')?.ready === true);
    const first = address('again');
    store.delete('pods', 't', 'again', { gracePeriodSeconds: 0 });
    create('again', shell('sleep 1000'));
    await until('second', () => record('again')?.ready === true && address('again') !== first);
    const result = await run('client', ['sh', '-c', `echo | nc -w 1 ${address('again')} 1; echo $?`]);
    assert.match(result.stderr, /ECONNREFUSED|refused/);
  });

  test('a pod on the node itself', async () => {
    create('host', shell('sleep 1000'), { hostNetwork: true });
    await until('running', () => record('host')?.ready === true);
    assert.equal(address('host'), '172.30.0.1');
    assert.match((await run('host', ['ip', '-o', 'addr', 'show', 'dev', 'lo'])).stdout, /10\.244\.1\.1/);
  });

  test('pods start again after the nodes did, with their addresses', async () => {
    const before = address('client');
    const count = record('client')?.restartCount ?? 0;
    await nodes.stop();
    assert.equal(readdirSync('/run/netns').filter((name) => name.startsWith('lxc')).length, 0);
    nodes = await start();
    await until('again', () => record('client')?.ready === true && record('client')?.restartCount === count + 1);
    assert.equal(address('client'), before);
    assert.equal(pod('job')?.status?.phase, 'Succeeded');
    assert.ok(reasons('client').includes('SandboxChanged'));
  });
}
