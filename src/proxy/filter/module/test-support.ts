import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { createLogger } from '../../../base/index.ts';
import { startProxy } from '../../proxy.ts';
import {
  type Backend,
  Client,
  httpListener,
  type Json,
  type Respond,
  ROUTER,
  routes,
  startBackend,
  staticCluster,
} from '../../testing/harness.ts';

const TYPE = 'type.googleapis.com/ciliate.filters.http.module.v1.Module';

export interface Bench {
  readonly folder: string;
  readonly backend: Backend;
  readonly client: Client;
  write(text: string, name?: string): void;
  stats(): Promise<Readonly<Record<string, string>>>;
}

interface Options {
  readonly fields?: Json;
  readonly concurrency?: number;
  readonly respond?: Respond;
  readonly route?: Json;
  /** Filters behind the first. */
  readonly after?: readonly Json[];
  readonly files?: Readonly<Record<string, string>>;
}

export const moduleFilter = (name: string, fields: Json = {}): Json => ({
  name,
  typed_config: { '@type': TYPE, module: 'filter.ts', ...fields },
});

const LOG = '%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %DYNAMIC_METADATA(tag:path)% %DYNAMIC_METADATA(other:n)%\n';

/** A proxy with the filter `tag` before a backend. */
export async function run(context: TestContext, module: string, options: Options = {}): Promise<Bench> {
  const folder = mkdtempSync(path.join(tmpdir(), 'module-'));
  const write = (text: string, name = 'filter.ts'): void => writeFileSync(path.join(folder, name), text);
  write(module);
  for (const [name, text] of Object.entries(options.files ?? {})) write(text, name);
  const backend = await startBackend(options.respond);
  const accessLog = path.join(folder, 'access.log');
  const manager = {
    ...routes([{ match: { prefix: '/' }, route: { cluster: 'c' }, ...options.route }]),
    http_filters: [moduleFilter('tag', options.fields), ...(options.after ?? []), ROUTER],
    access_log: [
      {
        name: 'file',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
          path: accessLog,
          log_format: { text_format_source: { inline_string: LOG } },
        },
      },
    ],
  };
  const log = createLogger('module-test');
  log.level = 'silent';
  const proxy = await startProxy({
    bootstrap: {
      admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
      static_resources: { listeners: [httpListener('l', manager)], clusters: [staticCluster('c', [backend.port])] },
    },
    log,
    filterModules: [folder],
    concurrency: options.concurrency ?? 1,
  });
  const port = Number(/:(\d+)$/.exec(proxy.listenerAddresses('l')[0] ?? '')?.[1]);
  const client = new Client(port);
  context.after(async () => {
    client.close();
    await proxy.stop(0);
    await backend.close();
    rmSync(folder, { recursive: true });
  });
  const stats = async (): Promise<Record<string, string>> => {
    const text = await (await fetch(`http://${proxy.adminAddress}/stats?filter=http_filter_module`)).text();
    const pairs = text
      .trim()
      .split('\n')
      .map((line) => line.replace('http_filter_module.tag.', '').split(': '));
    return Object.fromEntries(pairs as [string, string][]);
  };
  return { folder, backend, client, write, stats };
}

export const filterOf = (body: string): string =>
  `import { defineFilter } from 'ciliate/filter';\nimport type { Json } from 'ciliate/filter';\nexport default defineFilter({ ${body} });\n`;
