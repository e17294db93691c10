import { mkdir, rename, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  encodeResource,
  type GrpcMessage,
  grpcService,
  type JsonObject,
  resourceNameField,
  serviceName,
  typeUrl,
} from '../../src/model/envoy/index.ts';
import { readStats } from './stats.ts';
import type { Subject } from './subject.ts';
import { connectTls, describeTls } from './tls-client.ts';
import type { ClientTls, Json, Places, PlaneForm, PlaneStep, PlaneType } from './types.ts';

const grpc = createRequire(import.meta.url)('@grpc/grpc-js') as typeof import('@grpc/grpc-js');

const answerMs = 4_000;
/** How long a state that is to come may take. */
const becomesMs = 8_000;

/** A control plane that does what a case says. */
export interface Plane {
  /** Plays steps and gives a line for each thing that came of them. */
  play(steps: readonly PlaneStep[], subject: Subject): Promise<readonly string[]>;
  close(): void;
}

const urlOf: Readonly<Record<PlaneType, string>> = {
  cluster: typeUrl.cluster,
  endpoint: typeUrl.endpoint,
  listener: typeUrl.listener,
  route: typeUrl.route,
  filter: typeUrl.extensionConfig,
  secret: typeUrl.secret,
};

interface Call extends NodeJS.EventEmitter {
  write(message: GrpcMessage): boolean;
  end(): void;
}

export async function startPlane(places: Places, form: PlaneForm): Promise<Plane> {
  const names = new Map<string, Set<string>>();
  const answers = new Map<string, string>();
  let call: Call | undefined;
  let nonces = 0;

  function onRequest(request: GrpcMessage): void {
    const url = String(request['type_url']);
    if (form === 'sotw') names.set(url, new Set(textsOf(request['resource_names'])));
    else {
      const wanted = names.get(url) ?? new Set<string>();
      for (const name of textsOf(request['resource_names_subscribe'])) wanted.add(name);
      for (const name of textsOf(request['resource_names_unsubscribe'])) wanted.delete(name);
      names.set(url, wanted);
    }
    const nonce = String(request['response_nonce'] ?? '');
    if (nonce === '' || answers.has(nonce)) return;
    const version = form === 'sotw' ? ` at ${JSON.stringify(request['version_info'] ?? '')}` : '';
    answers.set(nonce, `${request['error_detail'] ? 'NACK' : 'ACK'}${version}`);
  }

  const serve = (opened: Call): void => {
    call = opened;
    opened.on('error', () => undefined);
    opened.on('data', onRequest);
  };
  const server = new grpc.Server();
  server.addService(grpcService(serviceName.aggregatedDiscovery), {
    StreamAggregatedResources: serve,
    DeltaAggregatedResources: serve,
  });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`${places.host}:${places.plane}`, grpc.ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );

  async function send({
    send: type,
    version,
    resources,
    removed = [],
    bytes,
    later,
  }: SendStep): Promise<readonly string[]> {
    const url = urlOf[type];
    await until(() => call !== undefined && names.has(url));
    const nonce = `n${++nonces}`;
    const items =
      bytes === undefined
        ? (resources?.(places) ?? []).map((one) => encoded(url, one))
        : [{ name: '', value: Buffer.from(bytes, 'base64') }];
    const wire = items.map(({ name, value }) => {
      const any = { type_url: url, value };
      return form === 'sotw' ? any : { name, version, resource: any };
    });
    const own =
      form === 'sotw' ? { version_info: version } : { system_version_info: version, removed_resources: removed };
    call?.write({ type_url: url, nonce, resources: wire, ...own });
    if (later) return [];
    await until(() => answers.has(nonce));
    return [`${type} ${version}: ${answers.get(nonce) ?? 'no answer'}`];
  }

  async function step(one: PlaneStep, subject: Subject): Promise<readonly string[]> {
    if ('send' in one) return send(one);
    if ('move' in one) {
      await putFile(places, one.move, { ...one, version: one.version });
      await sleep(MOVE_MS);
      return [];
    }
    if ('put' in one) {
      for (const [name, text] of Object.entries(one.put)) await moveFile(places, name, text);
      await sleep(MOVE_MS);
      return [];
    }
    if ('sleep' in one) {
      await sleep(one.sleep);
      return [];
    }
    if ('wanted' in one) {
      await until(() => names.has(urlOf[one.wanted]), 1500);
      const wanted = names.get(urlOf[one.wanted]);
      return [`${one.wanted} wanted: ${wanted ? [...wanted].sort().join(', ') || '*' : 'nothing'}`];
    }
    if ('get' in one) return [`GET ${one.get}: ${await get(places, one.get, one.listener ?? 0)}`];
    if ('handshake' in one) return [`handshake: ${await handshake(places, one.handshake, one.tls ?? {})}`];
    if ('becomes' in one) return [await becomes(one, subject)];
    if ('dump' in one) return dumped(one.dump, await subject.admin(`/config_dump?resource=${one.dump}`));
    const stats = await readStats(subject, 'all');
    const found = [...stats]
      .filter(([name]) => one.stats.test(name))
      .sort(([left], [right]) => (left < right ? -1 : 1));
    return found.map(([name, value]) => `${name}: ${value}`);
  }

  return {
    play: async (steps, subject) => {
      const lines: string[] = [];
      for (const one of steps) lines.push(...(await step(one, subject)));
      return lines;
    },
    close: () => {
      call?.end();
      server.forceShutdown();
    },
  };
}

/** Time that a proxy may take to notice that a file was moved. */
const MOVE_MS = 300;

/** Moves a file with a discovery response into the run's folder. */
export async function putFile(
  places: Places,
  name: string,
  content: {
    readonly of: PlaneType;
    readonly version: string;
    readonly resources: (places: Places) => readonly Json[];
  },
): Promise<void> {
  const resources = content.resources(places).map((json) => ({ '@type': urlOf[content.of], ...json }));
  await moveFile(places, name, JSON.stringify({ version_info: content.version, resources }));
}

async function moveFile({ folder }: Places, name: string, text: string): Promise<void> {
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

type SendStep = Extract<PlaneStep, { readonly send: PlaneType }>;

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function encoded(url: string, json: Json): { readonly name: string; readonly value: Buffer } {
  const value = Buffer.from(encodeResource(url, json as JsonObject));
  return { name: String(json[resourceNameField(url)] ?? ''), value };
}

/** Waits for what should come; what does not come shows in the outcome. */
async function until(holds: () => boolean, limit = answerMs): Promise<void> {
  const deadline = performance.now() + limit;
  while (!holds() && performance.now() < deadline) await sleep(5);
}

/** Versions and states of the elements of a dump. */
function dumped(list: string, answer: string): readonly string[] {
  const { configs = [] } = JSON.parse(answer) as { readonly configs?: readonly Json[] };
  return configs.map((element) => {
    const parts = Object.entries(element).flatMap(([key, value]): readonly string[] => {
      if (key === '@type' || key === 'last_updated') return [];
      if (typeof value !== 'object' || value === null) return [`${key} ${String(value)}`];
      const { version_info: version = '', failed_configuration: failed, name } = value as Record<string, unknown>;
      const of = (failed as { readonly name?: string } | undefined)?.name ?? name ?? '';
      return [`${key} ${[version, of].filter((part) => part !== '').join(' ')}`.trim()];
    });
    return `${list}: ${parts.sort().join(', ')}`;
  });
}

/** Asks the admin interface until it answers with that text. */
async function handshake(places: Places, index: number, own: ClientTls): Promise<string> {
  const socket = connectTls({ host: places.host, port: places.listener(index) }, own);
  const ended = new Promise<string>((resolve) => {
    socket.on('error', () => resolve('refused'));
    socket.on('close', () => resolve('refused'));
    socket.setTimeout(answerMs, () => resolve('refused'));
  });
  const answered = new Promise<string>((resolve) => {
    socket.on('data', (bytes) =>
      resolve(`${describeTls(socket)}, ${/^HTTP\/1.1 (\d+)/.exec(bytes.toString('latin1'))?.[1] ?? 'no answer'}`),
    );
  });
  socket.on('secureConnect', () => socket.write('GET / HTTP/1.1\r\nhost: example.com\r\n\r\n'));
  const outcome = await Promise.race([ended, answered]);
  socket.destroy();
  return outcome;
}

async function becomes(
  { becomes: text, at }: Extract<PlaneStep, { readonly becomes: string }>,
  subject: Subject,
): Promise<string> {
  const deadline = performance.now() + becomesMs;
  let answer = '';
  while (performance.now() < deadline) {
    answer = (await subject.admin(at)).trim();
    if (answer === text) break;
    await sleep(20);
  }
  return `${at} is ${answer}`;
}

function get(places: Places, at: string, listener: number): Promise<string> {
  return new Promise((resolve) => {
    const options = { host: places.host, port: places.listener(listener), path: at, agent: false, timeout: 2_000 };
    const request = http.get(options, (response) => {
      let body = '';
      response.setEncoding('latin1').on('data', (part: string) => {
        body += part;
      });
      response.on('end', () => resolve(`${response.statusCode} ${body.slice(0, 80)}`));
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
  });
}
