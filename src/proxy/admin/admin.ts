import { rm } from 'node:fs/promises';
import type http from 'node:http';
import { fail, ok, type Result } from '../../base/index.ts';
import type { ClusterManager } from '../cluster/manager.ts';
import { errnoText } from '../cluster/reset.ts';
import { type Address, formatAddress } from '../config/address.ts';
import type { JsonObject } from '../config/fields.ts';
import type { ServerState } from '../server/state.ts';
import type { Workers } from '../worker/group.ts';
import { type NamedValue, statValues } from './stats.ts';

/** What the admin interface shows. */
export interface AdminSubject {
  readonly workers: Workers;
  readonly node: JsonObject;
  readonly bootstrap: unknown;
  readonly state: ServerState;
}

export interface AdminServer {
  /** `host:port` or the path of a Unix socket. */
  readonly address: string;
  close(): Promise<void>;
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const text = (body: string, status = 200): Page => ({ status, type: 'text/plain; charset=UTF-8', body });
const json = (value: unknown): Page => ({
  status: 200,
  type: 'application/json',
  body: `${JSON.stringify(value, null, 1)}\n`,
});

/** Serves Envoy's admin paths. Everything answered here is read-only. */
export async function startAdmin(address: Address, subject: AdminSubject): Promise<Result<AdminServer, string>> {
  const { createServer } = await import('node:http');
  if (address.kind === 'pipe') await rm(address.path, { force: true });
  const server = createServer((request, response) => void answer(request, response, subject));
  return new Promise((resolve) => {
    server.once('error', (error) =>
      resolve(fail(`cannot bind admin '${formatAddress(address)}': ${errnoText(error)}`)),
    );
    server.listen(address.kind === 'pipe' ? { path: address.path } : { host: address.host, port: address.port }, () => {
      const bound = server.address();
      const shown = typeof bound === 'string' || bound === null ? bound : `${bound.address}:${bound.port}`;
      resolve(ok({ address: shown ?? formatAddress(address), close: () => closeServer(server) }));
    });
  });
}

function closeServer(server: http.Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function answer(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  subject: AdminSubject,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://admin');
  const page = request.method === 'GET' ? await pageOf(url, subject) : text('Method Not Allowed\n', 405);
  response.writeHead(page.status, { 'content-type': page.type, 'cache-control': 'no-cache, max-age=0' });
  response.end(page.body);
}

async function pageOf(url: URL, subject: AdminSubject): Promise<Page> {
  switch (url.pathname) {
    case '/ready':
      return text(`${subject.state.name}\n`, subject.state.name === 'LIVE' ? 200 : 503);
    case '/server_info':
      return json(serverInfo(subject));
    case '/clusters':
      return text(clustersText(subject.workers.first.clusters));
    case '/listeners':
      return text(
        subject.workers.first.listeners
          .all()
          .map(({ config, bound }) => `${config.name}::${bound.join(',')}\n`)
          .join(''),
      );
    case '/config_dump':
      return json(configDump(subject));
    case '/stats':
      return stats(subject, url.searchParams.get('filter'), url.searchParams.get('format'));
    default:
      return text(
        'invalid path. admin commands are: /clusters /config_dump /listeners /ready /server_info /stats\n',
        404,
      );
  }
}

function serverInfo(subject: AdminSubject): unknown {
  return {
    version: 'ciliate-proxy/0.1.0',
    state: subject.state.name,
    uptime_current_epoch: `${subject.state.uptimeSeconds}s`,
    node: subject.node,
  };
}

async function stats({ workers }: AdminSubject, filter: string | null, format: string | null): Promise<Page> {
  const all: readonly NamedValue[] = statValues(await workers.stats());
  const chosen = filter === null ? all : all.filter(([name]) => name.includes(filter));
  if (format === 'json') return json({ stats: chosen.map(([name, value]) => ({ name, value })) });
  return text(chosen.map(([name, value]) => `${name}: ${value}\n`).join(''));
}

function clustersText(clusters: ClusterManager): string {
  const lines: string[] = [];
  for (const { config, hosts, resources } of clusters.all()) {
    const { name } = config;
    for (const priority of ['DEFAULT', 'HIGH'] as const) {
      const { limits } = resources[priority];
      const label = `${name}::${priority.toLowerCase()}_priority`;
      lines.push(
        `${label}::max_connections::${limits.connections}`,
        `${label}::max_pending_requests::${limits.pending}`,
      );
      lines.push(`${label}::max_requests::${limits.requests}`, `${label}::max_retries::${limits.retries}`);
    }
    for (const host of hosts) {
      const label = `${name}::${host.name}`;
      const flags = host.ejected
        ? '/failed_outlier_check'
        : host.health === 'healthy'
          ? 'healthy'
          : '/failed_eds_health';
      lines.push(
        `${label}::cx_active::${host.stats.cxActive}`,
        `${label}::cx_connect_fail::${host.stats.cxConnectFail}`,
      );
      lines.push(`${label}::cx_total::${host.stats.cxTotal}`, `${label}::rq_active::${host.activeRequests}`);
      lines.push(`${label}::rq_error::${host.stats.rqError}`, `${label}::rq_success::${host.stats.rqSuccess}`);
      lines.push(`${label}::rq_timeout::${host.stats.rqTimeout}`, `${label}::rq_total::${host.stats.rqTotal}`);
      lines.push(
        `${label}::hostname::${host.hostname}`,
        `${label}::health_flags::${flags}`,
        `${label}::weight::${host.weight}`,
      );
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}

const ADMIN = 'type.googleapis.com/envoy.admin.v3.';

function configDump({ bootstrap, workers }: AdminSubject): unknown {
  const { clusters, listeners, routes, filters } = workers.first;
  return {
    configs: [
      { '@type': `${ADMIN}BootstrapConfigDump`, bootstrap },
      {
        '@type': `${ADMIN}ClustersConfigDump`,
        static_clusters: clusters.dump().flatMap(({ json: cluster, fixed }) => (fixed ? [{ cluster }] : [])),
        dynamic_active_clusters: clusters.dump().flatMap(({ json: cluster, fixed }) => (fixed ? [] : [{ cluster }])),
      },
      {
        '@type': `${ADMIN}ListenersConfigDump`,
        static_listeners: listeners.dump().flatMap(({ json: listener, fixed }) => (fixed ? [{ listener }] : [])),
        dynamic_listeners: listeners
          .dump()
          .flatMap(({ json: listener, fixed }) =>
            fixed ? [] : [{ name: listener['name'], active_state: { listener } }],
          ),
      },
      {
        '@type': `${ADMIN}RoutesConfigDump`,
        dynamic_route_configs: routes.dump().map((route_config) => ({ route_config })),
      },
      { '@type': `${ADMIN}EcdsConfigDump`, ecds_filters: filters.dump().map((ecds_filter) => ({ ecds_filter })) },
    ],
  };
}
