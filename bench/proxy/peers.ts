import { server } from '../../src/proxy/testing/certificates.ts';
import type { BenchPorts } from './programs.ts';

export interface NginxOptions {
  readonly bigBuffers?: boolean;
  readonly http2?: boolean;
  /** With `tls.crt` and `tls.key` of the folder. */
  readonly tls?: boolean;
}

/**
 * The work that every program is given: route by host and path, allow only GET below /api/, mint a request id, forward address and
 * scheme, add a header to request and response, weigh two backends 9:1, keep its timeouts, count, and log each request as JSON.
 */
export function nginxConfig(
  ports: BenchPorts,
  port: number,
  folder: string,
  { bigBuffers = false, http2 = false, tls = false }: NginxOptions,
): string {
  const listen = `listen 127.0.0.1:${port}${http2 ? ' http2' : ''}${tls ? ' ssl' : ''}`;
  // What the others do by themselves: TLS 1.3 and the lighter cipher. Nobody goes on with earlier sessions, see `downstreamTls`.
  const secure = `
  ssl_certificate ${folder}/tls.crt;
  ssl_certificate_key ${folder}/tls.key;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_prefer_server_ciphers on;
  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256;
  ssl_session_tickets off;
  ssl_session_cache off;`;
  const proxied = `
      proxy_pass http://backends;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Request-Id $request_id;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Bench-Request 1;
      add_header X-Bench-Response 1;
      add_header X-Envoy-Upstream-Service-Time $upstream_response_time;`;
  const buffers = `
    proxy_buffer_size 64k;
    proxy_buffers 8 64k;
    proxy_busy_buffers_size 128k;`;
  const log = [
    '"time":"$time_iso8601"',
    '"method":"$request_method"',
    '"path":"$request_uri"',
    '"host":"$host"',
    '"status":$status',
    '"bytes":$body_bytes_sent',
    '"duration":$request_time',
    '"id":"$request_id"',
    '"upstream":"$upstream_addr"',
  ];
  return `
worker_processes 1;
daemon off;
pid ${folder}/nginx-${port}.pid;
error_log ${folder}/nginx-${port}.error error;
events { worker_connections 16384; }
http {
  log_format bench escape=json '{${log.join(',')}}';
  map "$request_method $uri" $allowed { default 0; "~^GET /api/" 1; }
  keepalive_requests 1000000000;${tls ? secure : ''}
  keepalive_timeout 60s;
  http2_max_concurrent_streams 1000;
  client_header_timeout 10s;
  client_body_timeout 30s;
  send_timeout 30s;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n  ')}
  proxy_max_temp_file_size 0;
  upstream backends {
    server ${ports.host}:${ports.backends[0]} weight=9;
    server ${ports.host}:${ports.backends[1]} weight=1;
    keepalive 4096;
    keepalive_requests 1000000000;
  }
  server { ${listen}; server_name admin.bench.test; return 404; }
  server { ${listen}; server_name *.static.bench.test; location / { ${proxied} } }
  server {
    ${listen};
    server_name api.bench.test;
    access_log ${folder}/nginx-${port}.log bench buffer=64k flush=10s;
    proxy_connect_timeout 5s;
    proxy_read_timeout 15s;
    proxy_send_timeout 15s;${bigBuffers ? buffers : ''}
    if ($allowed = 0) { return 403; }
    location /status { return 200; }
    location /admin/ { return 404; }
    location /api/v2/ { ${proxied} }
    location /api/ { ${proxied} }
  }
}
`;
}

/** The record goes to a ring in memory and from there to a TCP sink: HAProxy's one way to log without a system call per request. */
export function haproxyConfig(ports: BenchPorts, port: number, bufferBytes: number | undefined): string {
  const log = [
    '"time":"%T"',
    '"method":"%HM"',
    '"path":"%HU"',
    '"host":"%[var(txn.host)]"',
    '"status":%ST',
    '"bytes":%B',
    '"duration":%Ta',
    '"id":"%ID"',
    '"upstream":"%si:%sp"',
  ];
  const format = `{${log.join(',')}}`.replaceAll('"', '\\"');
  return `
global
  nbthread 1
  maxconn 8192
  ${bufferBytes === undefined ? '' : `tune.bufsize ${bufferBytes}`}
  log ring@records local0
ring records
  format raw
  size 1048576
  timeout connect 5s
  timeout server 60s
  server sink 127.0.0.1:${ports.sink}
defaults
  mode http
  log global
  timeout connect 5s
  timeout client 60s
  timeout server 15s
  timeout http-request 10s
  timeout http-keep-alive 60s
  http-reuse always
  option forwardfor
frontend bench
  bind 127.0.0.1:${port}
  log-format "${format}"
  unique-id-format %[uuid()]
  unique-id-header x-request-id
  http-request set-var(txn.host) req.hdr(host)
  http-request deny deny_status 403 unless { method GET } { path_beg /api/ }
  http-request set-header x-forwarded-proto http
  http-request set-header x-bench-request 1
  http-response set-header x-bench-response 1
  http-response set-header x-envoy-upstream-service-time %Tr
  use_backend none if { hdr(host) admin.bench.test }
  use_backend none if { path /status }
  use_backend none if { path_beg /admin/ }
  use_backend api if { path_beg /api/v2/ }
  use_backend api if { path_beg /api/ }
  default_backend none
backend none
  http-request return status 404
backend api
  balance roundrobin
  server one ${ports.host}:${ports.backends[0]} weight 90
  server two ${ports.host}:${ports.backends[1]} weight 10
`;
}

const type = (name: string): string => `type.googleapis.com/${name}`;
const added = (key: string): object => ({ header: { key, value: '1' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' });

interface Bootstrap {
  readonly node: object;
  readonly static_resources: { readonly listeners: readonly object[]; readonly clusters: readonly object[] };
}

/** One bootstrap for Envoy and for ciliate-proxy. `filters`: more HTTP filters, before all others; `tls`: clients speak it. */
export function envoyBootstrap(
  ports: BenchPorts,
  port: number,
  log: string,
  filters: readonly object[] = [],
  tls = false,
): Bootstrap {
  const filterChain = {
    filters: [
      { name: 'http', typed_config: httpManager(log, filters, { method: 'GET', prefix: '/api/' }, virtualHosts) },
    ],
  };
  const socket = { name: 'tls', typed_config: downstreamTls() };
  return {
    node: { id: 'bench', cluster: 'bench' },
    static_resources: {
      listeners: [
        {
          name: 'bench',
          address: { socket_address: { address: '127.0.0.1', port_value: port } },
          filter_chains: [tls ? { ...filterChain, transport_socket: socket } : filterChain],
        },
      ],
      clusters: [
        {
          name: 'api',
          type: 'STATIC',
          connect_timeout: '5s',
          circuit_breakers: {
            thresholds: [{ max_connections: 16384, max_pending_requests: 16384, max_requests: 16384 }],
          },
          load_assignment: {
            cluster_name: 'api',
            endpoints: [
              { lb_endpoints: ports.backends.map((backend, index) => endpoint(ports, backend, index === 0 ? 9 : 1)) },
            ],
          },
        },
      ],
    },
  };
}

function endpoint(ports: BenchPorts, port: number, weight: number): object {
  return {
    endpoint: { address: { socket_address: { address: ports.host, port_value: port } } },
    load_balancing_weight: weight,
  };
}

/** What is allowed. */
interface Allowed {
  readonly method: string;
  readonly prefix: string;
}

/** A connection manager that does the work. */
export function httpManager(
  log: string,
  filters: readonly object[],
  allowed: Allowed,
  hosts: readonly object[],
): object {
  return {
    '@type': type('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'bench',
    use_remote_address: true,
    common_http_protocol_options: { idle_timeout: '60s' },
    stream_idle_timeout: '60s',
    request_timeout: '30s',
    request_headers_timeout: '10s',
    access_log: [
      {
        name: 'file',
        typed_config: {
          '@type': type('envoy.extensions.access_loggers.file.v3.FileAccessLog'),
          path: log,
          log_format: {
            json_format: {
              time: '%START_TIME%',
              method: '%REQ(:METHOD)%',
              path: '%REQ(:PATH)%',
              host: '%REQ(:AUTHORITY)%',
              status: '%RESPONSE_CODE%',
              bytes: '%BYTES_SENT%',
              duration: '%DURATION%',
              id: '%REQ(X-REQUEST-ID)%',
              upstream: '%UPSTREAM_HOST%',
            },
          },
        },
      },
    ],
    http_filters: [
      ...filters,
      { name: 'rbac', typed_config: rbac(allowed) },
      { name: 'router', typed_config: { '@type': type('envoy.extensions.filters.http.router.v3.Router') } },
    ],
    route_config: {
      name: 'bench',
      request_headers_to_add: [added('x-bench-request')],
      response_headers_to_add: [added('x-bench-response')],
      virtual_hosts: hosts,
    },
  };
}

const virtualHosts: readonly object[] = [
  { name: 'admin', domains: ['admin.bench.test'], routes: [direct('/', 404)] },
  { name: 'static', domains: ['*.static.bench.test'], routes: [forward('/')] },
  {
    name: 'api',
    domains: ['api.bench.test'],
    routes: [direct('/status', 200), direct('/admin/', 404), forward('/api/v2/'), forward('/api/')],
  },
];

/** Without sessions to go on with: wrk would, and a handshake would be half of one. */
function downstreamTls(): object {
  return {
    '@type': type('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext'),
    disable_stateless_session_resumption: true,
    disable_stateful_session_resumption: true,
    common_tls_context: {
      tls_certificates: [
        {
          certificate_chain: { inline_string: server.certificate },
          private_key: { inline_string: server.key },
        },
      ],
    },
  };
}

function direct(prefix: string, status: number): object {
  return { match: { prefix }, direct_response: { status } };
}

function forward(prefix: string): object {
  return { match: { prefix }, route: { cluster: 'api', timeout: '15s' } };
}

function rbac({ method, prefix }: Allowed): object {
  const permissions = [
    {
      and_rules: {
        rules: [{ header: { name: ':method', string_match: { exact: method } } }, { url_path: { path: { prefix } } }],
      },
    },
  ];
  return {
    '@type': type('envoy.extensions.filters.http.rbac.v3.RBAC'),
    rules: { action: 'ALLOW', policies: { api: { permissions, principals: [{ any: true }] } } },
  };
}
