import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Registry } from '../registry/registry.ts';
import { EMPTY_OPENAPI_V2, openApiDocument, openApiHash, openApiIndex } from '../schema/openapi.ts';
import { noSuchResource } from '../status.ts';
import { aggregatedDiscovery, legacyGroup, legacyGroups, legacyResources } from './discovery.ts';
import { sendJson, sendText } from './respond.ts';

/** The Kubernetes version whose API this server speaks; it also decides which kubectl some distributions start. */
const VERSION = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0+ciliate',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: 'linux/amd64',
};

const HEALTH = new Set(['/healthz', '/livez', '/readyz']);
const OPENAPI_V2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** Answers the paths that name no resource: version, health, discovery, OpenAPI. False when the path is none of these. */
export function handleStaticPath(
  registry: Registry,
  request: IncomingMessage,
  response: ServerResponse,
  pathname: string,
): boolean {
  const parts = pathname.split('/').filter((part) => part !== '');
  const [root] = parts;
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  if (pathname === '/version' || pathname === '/version/') sendJson(response, 200, VERSION);
  else if (HEALTH.has(`/${root}`)) sendText(response, 200, 'ok');
  else if (pathname === '/openapi/v2') sendText(response, 200, EMPTY_OPENAPI_V2, OPENAPI_V2);
  else if (pathname === '/openapi/v3') sendJson(response, 200, openApiIndex(registry));
  else if (root === 'openapi' && parts[1] === 'v3') {
    const hash = URL.parse(`https://server${request.url}`)?.searchParams.get('hash');
    sendOr404(response, openApi(registry, parts.slice(2)), hash === openApiHash(registry));
  } else if (root === 'api' || root === 'apis') return discovery(registry, request, response, parts);
  else return false;
  return true;
}

function openApi(registry: Registry, [root, first = '', second = '']: readonly string[]): unknown {
  return root === 'api' ? openApiDocument(registry, '', first) : openApiDocument(registry, first, second);
}

function discovery(
  registry: Registry,
  request: IncomingMessage,
  response: ServerResponse,
  [root, first, second, more]: readonly string[],
): boolean {
  const core = root === 'api';
  if (first === undefined) sendGroups(registry, request, response, core);
  else if (core && second === undefined) sendOr404(response, legacyResources(registry, '', first));
  else if (!core && second === undefined) sendOr404(response, legacyGroup(registry, first));
  else if (!core && second !== undefined && more === undefined)
    sendOr404(response, legacyResources(registry, first, second));
  else return false;
  return true;
}

function sendGroups(registry: Registry, request: IncomingMessage, response: ServerResponse, core: boolean): void {
  const accept = request.headers.accept ?? '';
  for (const version of ['v2', 'v2beta1'] as const) {
    const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    // Clients recognize the answer by its type, so it must be spelled as they spell it.
    if (accept.replaceAll(' ', '').split(',').includes(type)) {
      sendJson(response, 200, aggregatedDiscovery(registry, core, version), type);
      return;
    }
  }
  sendJson(response, 200, legacyGroups(registry, core));
}

function sendOr404(response: ServerResponse, body: unknown, immutable = false): void {
  if (body === undefined) throw noSuchResource();
  // A document asked for by its hash never changes, so clients may keep it.
  if (immutable) response.setHeader('Cache-Control', 'public, immutable, max-age=31536000');
  sendJson(response, 200, body);
}
